/** An input for a list of short values: each becomes a chip on Enter or a comma, and has a button that removes it. */

import { button, h, setChildren, uniqueId } from "../elements.js";
import { say, sayCount } from "../words/language.js";

export class ChipInput {
  /**
   * @param {object} options
   * @param {string[]} options.values
   * @param {string} options.placeholder
   * @param {(value: string) => string} [options.label] What is shown for a value.
   * @param {(typed: string) => string} [options.read] What is meant by what is typed.
   */
  constructor({ values, placeholder, label = (value) => value, read = (typed) => typed.trim() }) {
    this.chosen = [...values];
    this.label = label;
    this.read = read;
    this.onchange = () => {};
    this.chips = h("ul", { class: "chips" });
    this.input = h("input", {
      type: "text", placeholder, autocomplete: "off",
      onkeydown: (event) => this.handleKey(event), onpaste: () => setTimeout(() => this.splitPasted()),
      oninput: (event) => this.handleInput(event),
    });
    this.options = h("datalist", { id: uniqueId("options") });
    this.element = h("div", { class: "chipfield" }, this.chips, this.input, this.options);
    this.draw();
  }

  /** The chips, and the text that is typed but not entered yet. */
  get values() {
    const typed = this.read(this.input.value);
    return typed && !this.chosen.includes(typed) ? [...this.chosen, typed] : [...this.chosen];
  }

  /** @param {KeyboardEvent} event */
  handleKey(event) {
    if (event.key === "Enter" || event.key === ",") {
      event.preventDefault();
      this.enter();
    } else if (event.key === "Backspace" && this.input.value === "" && this.chosen.length) {
      this.remove(this.chosen.length - 1);
    }
  }

  /**
   * Offers values, the most frequent first. The empty one cannot be typed, and is not offered.
   * @param {Record<string, number>} counts
   */
  suggest(counts) {
    const known = Object.entries(counts).filter(([value]) => value).sort((one, other) => other[1] - one[1]);
    setChildren(this.options, known.map(([value, count]) => (
      h("option", { value, label: sayCount("value_of", count, { value }) }))));
    this.input.setAttribute("list", this.options.id);
  }

  /** @param {Event} event */
  handleInput(event) {
    // Chromium and Firefox name what an offer does; elsewhere it is entered as what was typed is.
    if (!(event instanceof InputEvent) || event.inputType === "insertReplacementText") {
      this.enter();
    } else {
      this.onchange();
    }
  }

  /** Turns a pasted list into chips, except the last value, which may be typed on. */
  splitPasted() {
    const parts = this.input.value.split(/[,\n]/).map((part) => this.read(part)).filter(Boolean);
    if (parts.length > 1) {
      this.input.value = parts.pop() ?? "";
      this.chosen = [...new Set([...this.chosen, ...parts])];
      this.draw();
    }
  }

  enter() {
    this.chosen = this.values;
    this.input.value = "";
    this.draw();
  }

  /** @param {number} index */
  remove(index) {
    this.chosen.splice(index, 1);
    this.draw();
    this.input.focus();
  }

  draw() {
    setChildren(this.chips, this.chosen.map((value, index) => h("li", {},
      h("span", {}, this.label(value)),
      button("×", () => this.remove(index), { "aria-label": say("remove", { value: this.label(value) }) }))));
    this.onchange();
  }
}
