/** The page of a segment: its name, and rows of conditions with a live count. */

/** @import { Segment } from "api-types" */
/** @import { PageContext } from "../shared/router.js" */
/** @import { Node } from "./values.js" */

import { may } from "../shared/access/session.js";
import { call, get } from "../shared/api.js";
import { confirmAction } from "../shared/dialog.js";
import { button, h } from "../shared/elements.js";
import { clearErrors, field, showErrors } from "../shared/forms/fields.js";
import { announce } from "../shared/notice.js";
import { untilLoaded } from "../shared/polling.js";
import { errorsOf, expected, problemBox, showProblem, whileBusy } from "../shared/problems.js";
import { go, heading } from "../shared/router.js";
import { say } from "../shared/words/language.js";
import { ConditionRows } from "./condition_rows.js";
import { LiveCount } from "./live_count.js";

/** @type {Node} */
const NEW = { all: [{ field: "attribute" }] };

/** @param {PageContext} context */
export async function showSegment({ main, ids: [id], query, signal }) {
  if (!may("operator")) {
    main.append(heading(say("segment")), h("p", {}, say("needs_operator")));
    return;
  }
  if (id === undefined) {
    const missed = query.get("missed");
    const tree = missed ? { all: [{ not: [{ field: "message", mailing: Number(missed), status: ["sent"] }] }] } : NEW;
    main.append(heading(say("new_segment")), segmentForm(null, tree, signal));
    return;
  }
  /** @type {Segment | null} */
  const found = await untilLoaded(() => get(`segments/${id}`, {}, signal), signal);
  if (found !== null) {
    main.append(
      h("div", { class: "head" }, heading(found.name), h("div", { class: "actions" },
        button(say("delete"), () => remove(found, signal), { class: "small outline danger" }))),
      segmentForm(found, /** @type {Node} */ (found.filter), signal));
  }
}

/**
 * @param {Segment | null} segment
 * @param {Node} tree
 * @param {AbortSignal} signal
 */
function segmentForm(segment, tree, signal) {
  const name = h("input", { type: "text", autocomplete: "off", value: segment?.name ?? "" });
  const rows = new ConditionRows(tree, "filter");
  const box = problemBox();
  const submit = h("button", { type: "submit" }, say("save"));
  const form = h("form", { novalidate: true }, field("name", say("segment_name"), name),
    h("fieldset", {}, h("legend", {}, say("conditions")), rows.element, new LiveCount(rows, signal).element),
    box, submit);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearErrors(form);
    whileBusy(submit, box, async () => {
      const body = { name: name.value, filter: rows.tree };
      try {
        await (segment === null
          ? call("POST", "segments", { body }) : call("PATCH", `segments/${segment.id}`, { body }));
        announce(say("segment_saved", { name: name.value }));
        go("#/segments");
      } catch (error) {
        showProblem(box, expected(error), showErrors(form, errorsOf(error)));
      }
    });
  });
  return form;
}

/**
 * @param {Segment} segment
 * @param {AbortSignal} signal
 */
function remove({ id, name }, signal) {
  confirmAction({
    title: say("delete_segment_title", { name }), action: say("delete_segment"), text: say("delete_segment_text"),
    perform: async () => {
      await call("DELETE", `segments/${id}`);
      announce(say("segment_deleted", { name }));
      go("#/segments");
    },
  }, signal);
}
