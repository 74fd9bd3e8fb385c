/** The dialog that sends a text to a few phones, by the way of every message, and shows what becomes of it. */

/** @import { TestSend } from "api-types" */

import { call, get } from "../shared/api.js";
import { openDialog } from "../shared/dialog.js";
import { button, h, setChildren, table } from "../shared/elements.js";
import { ChipInput } from "../shared/forms/chip_input.js";
import { keepDraft, readDraft } from "../shared/forms/drafts.js";
import { chipField, clearErrors, showErrors } from "../shared/forms/fields.js";
import { poll } from "../shared/polling.js";
import { errorsOf, expected, problemBox, showProblem, whileBusy } from "../shared/problems.js";
import { Badge } from "../shared/status_counts.js";
import { describeReason, say } from "../shared/words/language.js";

const INTERVAL_SECONDS = 1;
/** Whoever tries texts tries them on the same phones. */
const PHONES = "test-phones";

/**
 * Opens the dialog.
 * @param {string} text
 * @param {AbortSignal} signal
 */
export function testText(text, signal) {
  const box = problemBox();
  const results = h("div", { "aria-live": "polite" });
  const phones = new ChipInput({ values: readDraft(PHONES) ?? [], placeholder: "79161234567" });
  const controller = new AbortController();
  const dialog = openDialog(say("test_send"), (close) => {
    const submit = h("button", { type: "submit" }, say("test_now"));
    const form = h("form", { novalidate: true }, h("p", { class: "hint" }, say("test_text")),
      h("p", { class: "message-text" }, text), chipField("phones", say("phones"), phones, say("phones_hint")),
      box, results, h("footer", {}, button(say("close"), close, { class: "secondary" }), submit));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      clearErrors(form);
      whileBusy(submit, box, async () => {
        try {
          keepDraft(PHONES, phones.values);
          const made = await call("POST", "test-sends", { body: { text, phones: phones.values } });
          await follow(made, results, controller.signal);
        } catch (error) {
          showProblem(box, expected(error), showErrors(form, errorsOf(error)));
        }
      });
    });
    return form;
  }, signal);
  dialog.addEventListener("close", () => controller.abort());
}

/**
 * Shows what becomes of a test-send until it is finished.
 * @param {TestSend} made
 * @param {HTMLElement} results
 * @param {AbortSignal} signal
 */
async function follow(made, results, signal) {
  await poll(async (own) => {
    /** @type {TestSend} */
    const { finished, messages } = await get(`test-sends/${made.id}`, {}, own);
    const rows = messages.map(({ phone, status, reason }) => h("tr", {},
      h("td", {}, phone ?? "–"), h("td", {}, new Badge("status", status).element),
      h("td", {}, reason === null ? say(`meaning_${status}`) : describeReason(reason))));
    setChildren(results, table(say("test_results"), [say("phone"), say("status"), say("meaning")], rows));
    return !finished;
  }, INTERVAL_SECONDS, signal);
}
