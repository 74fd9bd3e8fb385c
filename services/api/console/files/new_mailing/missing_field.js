/** What becomes of clients who lack a value of the text: asked where the text has placeholders. */

/** @import { OnMissing } from "./mailing_form.js" */

import { field, select } from "../shared/forms/fields.js";
import { say } from "../shared/words/language.js";

export class MissingField {
  /** @param {OnMissing} value */
  constructor(value) {
    this.input = select([["refuse", say("missing_refuse")], ["skip", say("missing_skip")]], value);
    this.element = field("on_missing", say("on_missing"), this.input, say("on_missing_hint"));
  }

  /** @returns {OnMissing} */
  get value() {
    return this.input.value === "skip" ? "skip" : "refuse";
  }

  /** @param {string} text */
  showFor(text) {
    this.element.hidden = !text.includes("{{");
  }
}
