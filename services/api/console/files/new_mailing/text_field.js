/** The text of a mailing, with a count of its characters. */

import { h, setText } from "../shared/elements.js";
import { field } from "../shared/forms/fields.js";
import { say } from "../shared/words/language.js";

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
    setText(this.counter, say("characters", { count: length, most: MOST_CHARACTERS }));
    this.counter.classList.toggle("wrong", length > MOST_CHARACTERS);
  }
}
