/** The dialog that sends a text to a few phones, by the way of every message, and shows what becomes of it. */

/** @import { TestSend } from "api-types" */

import { call, get } from "../shared/api.js";
import { openDialog } from "../shared/dialog.js";
import { button, h, setChildren, table } from "../shared/elements.js";
import { ChipInput } from "../shared/forms/chip_input.js";
import { keepDraft, readDraft } from "../shared/forms/drafts.js";
import { chipField, clearErrors, field, showErrors } from "../shared/forms/fields.js";
import { asStored } from "../shared/forms/phone.js";
import { poll } from "../shared/polling.js";
import { errorsOf, expected, problemBox, showProblem, whileBusy } from "../shared/problems.js";
import { Badge } from "../shared/status_counts.js";
import { describeReason, say } from "../shared/words/language.js";

const INTERVAL_SECONDS = 1;
/** Whoever tries texts tries them on the same phones, with the same values. */
const PHONES = "test-phones";
const VALUES = "test-values";

/**
 * Opens the dialog.
 * @param {string} text
 * @param {AbortSignal} signal
 */
export function testText(text, signal) {
  const box = problemBox();
  const results = h("div", { "aria-live": "polite" });
  const phones = new ChipInput({ values: readDraft(PHONES) ?? [], placeholder: "79161234567", read: asStored });
  const values = new ValueFields(text);
  const controller = new AbortController();
  const dialog = openDialog(say("test_send"), (close) => {
    const submit = h("button", { type: "submit" }, say("test_now"));
    const form = h("form", { novalidate: true }, h("p", { class: "hint" }, say("test_text")),
      h("p", { class: "message-text" }, text), chipField("phones", say("phones"), phones, say("phones_hint")),
      values.element, box, results, h("footer", {}, button(say("close"), close, { class: "secondary" }), submit));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      clearErrors(form);
      whileBusy(submit, box, async () => {
        try {
          keepDraft(PHONES, phones.values);
          const body = { text, phones: phones.values, values: values.given };
          const made = await call("POST", "test-sends", { body });
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

/** A field for each placeholder of a text: the phones of a test need not be clients, who have values of their own. */
class ValueFields {
  /** @param {string} text */
  constructor(text) {
    /** @type {Record<string, string>} */
    this.kept = readDraft(VALUES) ?? {};
    const found = text.replaceAll("\\{{", "").matchAll(/\{\{([a-z][a-z0-9_]{0,31})/g);
    const names = [...new Set([...found].map(([, name = ""]) => name))];
    this.inputs = names.map((name) => ({
      name, input: h("input", { type: "text", autocomplete: "off", value: this.kept[name] ?? "" }),
    }));
    this.element = h("div", { hidden: names.length === 0 },
      this.inputs.map(({ name, input }) => field(`values.${name}`, say("value_for", { name }), input)),
      h("p", { class: "hint" }, say("values_hint")));
  }

  /** What was filled in, which is kept for the next test. */
  get given() {
    const filled = this.inputs.filter(({ input }) => input.value.trim() !== "");
    const given = Object.fromEntries(filled.map(({ name, input }) => [name, input.value.trim()]));
    keepDraft(VALUES, { ...this.kept, ...given });
    return given;
  }
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
