/** The form of a mailing, for a new one and for an edit. */

/** @import { FieldError, Filter, Mailing, Window } from "api-types" */

import { h } from "../shared/elements.js";
import { clearErrors, field, showErrors } from "../shared/forms/fields.js";
import { errorsOf, expected, showProblem } from "../shared/problems.js";
import { EDITABLE } from "../shared/vocabulary.js";
import { FilterFields } from "./filter_fields.js";
import { MissingField } from "./missing_field.js";
import { TextField } from "./text_field.js";
import { TimeFields } from "./time_fields.js";
import { WindowFields } from "./window_fields.js";
import { say } from "../shared/words/language.js";

/**
 * What the form holds, as the API takes it.
 * @typedef {object} MailingBody
 * @property {string} name
 * @property {string} text
 * @property {string | undefined} start_at
 * @property {string | undefined} end_at
 * @property {Filter} filter
 * @property {Window | null} window
 * @property {OnMissing} on_missing
 */

/** @typedef {Mailing["on_missing"]} OnMissing */

/** @typedef {{body: Partial<MailingBody>, errors: FieldError[]}} Changes */

/**
 * Sends what a form holds, and shows what is wrong with it at its fields.
 * @template Body
 * @param {MailingForm} form
 * @param {{body: Body, errors: FieldError[]}} values With the errors that need no request.
 * @param {HTMLElement} box
 * @param {(body: Body) => Promise<void>} send
 */
export async function submitForm(form, { body, errors }, box, send) {
  clearErrors(form.element);
  if (errors.length) {
    showErrors(form.element, errors);
    return;
  }
  try {
    await send(body);
  } catch (error) {
    showProblem(box, expected(error), showErrors(form.element, errorsOf(error)));
  }
}

const LONGEST_NAME = 120;
/** @type {Filter} */
const NO_FILTER = { operator_codes: [], tags: [], unsent_of: null, segment: null, all: null, any: null, not: null };

export class MailingForm {
  /**
   * @param {Mailing | MailingBody | null} mailing The one that is edited; of a new one what was
   *   written, or null.
   * @param {() => void} [onchange]
   * @param {MailingBody} [initial] What the mailing has, where `mailing` holds changes already.
   */
  constructor(mailing, onchange = () => {}, initial) {
    this.editable = new Set(EDITABLE[mailing !== null && "status" in mailing ? mailing.status : "scheduled"]);
    this.name = h("input", { type: "text", value: mailing?.name ?? "", maxlength: LONGEST_NAME, autocomplete: "off" });
    this.text = new TextField(mailing?.text ?? "");
    this.missing = new MissingField(mailing?.on_missing ?? "refuse");
    this.filter = new FilterFields(mailing?.filter ?? NO_FILTER, onchange,
      mailing !== null && "recipients" in mailing ? mailing.recipients : null);
    this.times = new TimeFields(mailing, this.editable.has("start_at"));
    this.window = new WindowFields(mailing?.window ?? null);
    this.text.input.addEventListener("input", () => this.missing.showFor(this.text.value));
    this.missing.showFor(this.text.value);
    this.element = h("div", { oninput: onchange, onchange },
      field("name", say("name"), this.name, say("name_hint")), this.text.element, this.missing.element,
      this.editable.has("filter") && this.filter.element, this.times.element, this.window.element);
    this.initial = initial ?? this.values().body;
  }

  /**
   * Returns what the fields hold, and what is wrong with it before the API is asked.
   * @returns {{body: MailingBody, errors: FieldError[]}}
   */
  values() {
    const { start_at: start, end_at: end, errors } = this.times.values();
    const body = {
      name: this.name.value.trim(), text: this.text.value, start_at: start, end_at: end, filter: this.filter.value,
      window: this.window.value, on_missing: this.missing.value,
    };
    return { body, errors };
  }

  /**
   * Returns the fields that differ from those of the mailing and may be changed.
   * @returns {Changes}
   */
  changes() {
    const { body, errors } = this.values();
    const names = /** @type {Array<keyof MailingBody>} */ (Object.keys(body));
    const changed = names.filter((name) => this.editable.has(name) && !isSame(body[name], this.initial[name]));
    return { body: Object.fromEntries(changed.map((name) => [name, body[name]])), errors };
  }
}

/**
 * Whether two values are the same. In another time zone the same moment is written with another offset.
 * @param {unknown} one
 * @param {unknown} other
 */
export function isSame(one, other) {
  return JSON.stringify(one) === JSON.stringify(other)
    || (typeof one === "string" && typeof other === "string" && Date.parse(one) === Date.parse(other));
}
