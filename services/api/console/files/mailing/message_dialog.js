/** The dialog of one message, with each request that was made for it. */

/** @import { MessageInFull } from "api-types" */
/** @import { Child, Head } from "../shared/elements.js" */

import { get } from "../shared/api.js";
import { openDialog } from "../shared/dialog.js";
import { button, h, numberCell, setChildren, table } from "../shared/elements.js";
import { exactTimeElement } from "../shared/format.js";
import { expected, problemBox, showProblem } from "../shared/problems.js";
import { Badge } from "../shared/status_counts.js";
import { describeReason, say, sayOf } from "../shared/words/language.js";

/** @type {Head[]} */
const HEADS = [[say("number"), "number"], say("started"), say("outcome"), [say("http"), "number"],
  [say("duration"), "number"], say("detail")];

/**
 * Opens the dialog.
 * @param {number} id
 * @param {AbortSignal} signal
 */
export function showMessage(id, signal) {
  const box = problemBox();
  const body = h("div", {}, h("p", { "aria-busy": "true" }, say("loading")));
  const load = async () => {
    try {
      setChildren(box);
      setChildren(body, attemptsOf(await get(`messages/${id}`, {}, signal)));
    } catch (error) {
      if (!signal.aborted) {
        setChildren(body);
        showProblem(box, expected(error));
      }
    }
  };
  openDialog(say("message_number", { id: String(id) }), (close) => [box, body,
    h("footer", {}, button(say("refresh"), load, { class: "secondary" }), button(say("close"), close))], signal);
  load();
}

/**
 * @param {MessageInFull} message
 * @returns {Child}
 */
function attemptsOf({ status, reason, attempts }) {
  const rows = attempts.map((attempt) => h("tr", {},
    numberCell(attempt.number), h("td", { class: "moment" }, exactTimeElement(attempt.started_at)),
    h("td", {}, sayOf("outcome", attempt.outcome)), numberCell(attempt.http_status ?? "–"),
    numberCell(attempt.duration_ms === null ? "–" : say("milliseconds", { count: attempt.duration_ms })),
    h("td", {}, attempt.detail ?? "")));
  return [
    h("p", {}, new Badge("status", status).element, " ", reason && describeReason(reason)),
    rows.length ? table(say("attempts"), HEADS, rows) : h("p", { class: "empty" }, say("no_attempts")),
  ];
}
