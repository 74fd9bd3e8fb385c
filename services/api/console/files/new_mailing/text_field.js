/** The text of a mailing, with a count of its characters and of the short messages that it takes. */

import { h, setText } from "../shared/elements.js";
import { field } from "../shared/forms/fields.js";
import { countParts } from "./sms_parts.js";
import { say, sayCount, sentences } from "../shared/words/language.js";

const MOST_CHARACTERS = 2000;

export class TextField {
  /** @param {string} value */
  constructor(value) {
    this.counter = h("span", {});
    this.input = h("textarea", { rows: 4, oninput: () => this.count(), value });
    this.element = field("text", say("text"), this.input, this.counter);
    this.count();
  }

  get value() {
    return this.input.value;
  }

  count() {
    // The API counts characters: an emoji is one.
    const { length } = [...this.value];
    const { parts, left } = countParts(this.value);
    const isPersonal = this.value.includes("{{");
    setText(this.counter, sentences(say("characters", { count: length, most: MOST_CHARACTERS }),
      length > 0 && !isPersonal ? sayCount("sms_parts", parts, { left }) : null,
      isPersonal ? say("sms_personal") : null));
    this.counter.classList.toggle("wrong", length > MOST_CHARACTERS);
  }
}
