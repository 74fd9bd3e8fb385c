/** The stop list: phones that get nothing, whatever file they come back in. */

/** @import { Suppression } from "api-types" */
/** @import { PageContext } from "../shared/router.js" */

import { may } from "../shared/access/session.js";
import { Problem, call, get } from "../shared/api.js";
import { confirmAction, openDialog } from "../shared/dialog.js";
import { downloadButton } from "../shared/download.js";
import { button, h } from "../shared/elements.js";
import { clearErrors, field, showErrors } from "../shared/forms/fields.js";
import { asStored } from "../shared/forms/phone.js";
import { announce } from "../shared/notice.js";
import { PagedList } from "../shared/paged_list.js";
import { Poller } from "../shared/polling.js";
import { errorsOf, expected, problemBox, showProblem, whileBusy } from "../shared/problems.js";
import { go, heading, link } from "../shared/router.js";
import { say } from "../shared/words/language.js";
import { addFile } from "./add_file.js";
import { SuppressionRow } from "./suppression_row.js";

const INTERVAL_SECONDS = 10;
const LIMIT = 25;

/** @param {PageContext} context */
export async function showStopList({ main, query, signal }) {
  const phone = query.get("phone");
  const search = searchForm(phone);
  const poller = new Poller(async (own) => {
    try {
      list.show(await get("suppressions", { phone, limit: LIMIT, cursor: list.cursor }, own));
      return true;
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 422) {
        throw error;
      }
      showErrors(search, error.errors);
      list.show({ items: [], next: null });
      return false;
    }
  }, INTERVAL_SECONDS, signal);
  const reload = () => poller.restart();
  /** @type {PagedList<Suppression>} */
  const list = new PagedList({
    kept: "page", label: say("stop_list"), empty: say("nobody_stopped"), onturn: reload,
    heads: [say("phone"), say("reason"), say("source"), say("since"), say("actor"), [say("actions"), "unseen"]],
    row: (entry) => new SuppressionRow(entry, () => remove(entry, reload, signal)),
  });
  const download = downloadButton(say("export"), () => ({
    path: "suppressions/export", query: {}, accept: "text/csv", name: "stop-list.csv",
    otherwise: say("export_otherwise_stop_list"),
  }), signal);
  main.append(
    h("div", { class: "head" }, heading(say("stop_list")),
      h("div", { class: "tools" }, may("operator") && [
        button(say("add_phone"), () => addPhone(reload, signal), { class: "small" }),
        button(say("add_file"), () => addFile(reload, signal), { class: "small" })], download.button)),
    download.box, h("p", { class: "hint" }, say("stop_list_hint")), search, list.element);
  reload();
  await poller.failed;
}

/** @param {string | null} phone */
function searchForm(phone) {
  const input = h("input", { type: "text", autocomplete: "off", value: phone ?? "" });
  const form = h("form", { class: "search", "aria-label": say("search_stop_list"), novalidate: true },
    field("phone", say("phone"), input, say("phone_hint")), h("button", { type: "submit" }, say("search")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go(link("stop-list", { phone: asStored(input.value) || null }));
  });
  return form;
}

/**
 * @param {() => void} reload
 * @param {AbortSignal} signal
 */
function addPhone(reload, signal) {
  const box = problemBox();
  const phone = h("input", { type: "tel", autocomplete: "off", placeholder: "79161234567" });
  const reason = h("input", { type: "text", autocomplete: "off" });
  openDialog(say("add_phone"), (close) => {
    const submit = h("button", { type: "submit" }, say("stop_phone"));
    const form = h("form", { novalidate: true },
      field("phone", say("phone"), phone), field("reason", say("reason"), reason, say("stop_reason_hint")), box,
      h("footer", {}, button(say("back"), close, { class: "secondary" }), submit));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      clearErrors(form);
      await whileBusy(submit, box, async () => {
        try {
          const body = { phone: asStored(phone.value), reason: reason.value, source: "console" };
          await call("POST", "suppressions", { body });
          close();
          announce(say("phone_stopped"));
          reload();
        } catch (error) {
          showProblem(box, expected(error), showErrors(form, errorsOf(error)));
        }
      });
    });
    return form;
  }, signal);
}

/**
 * @param {Suppression} entry
 * @param {() => void} reload
 * @param {AbortSignal} signal
 */
function remove(entry, reload, signal) {
  confirmAction({
    title: say("unstop_title", { phone: entry.phone ?? say("unknown_phone") }), action: say("unstop"),
    text: say("unstop_text"),
    perform: async () => {
      await call("DELETE", `suppressions/${entry.id}`);
      announce(say("phone_unstopped"));
      reload();
    },
  }, signal);
}
