/** A list of short values: type one and press Enter or a comma; each can be taken away again. */

import { fill, h } from "./elements.js";

/** Chips in a field. `values()` gives them, with what was typed and not yet entered. */
export class Chips {
  /**
   * @param {{values?: string[], name: (value: string) => string, placeholder?: string, onchange?: () => void}} options
   */
  constructor({ values = [], name, placeholder = "", onchange = () => {} }) {
    this.list = [...values];
    this.name = name;
    this.onchange = onchange;
    this.chips = h("ul", { class: "chips" });
    this.input = h("input", {
      type: "text", placeholder, autocomplete: "off",
      onkeydown: (event) => this.key(event), onpaste: () => setTimeout(() => this.paste()),
      oninput: () => this.onchange(),
    });
    this.element = h("div", { class: "chipfield" }, this.chips, this.input);
    this.draw();
  }

  values() {
    const typed = this.input.value.trim();
    return typed && !this.list.includes(typed) ? [...this.list, typed] : [...this.list];
  }

  key(event) {
    if (event.key === "Enter" || event.key === ",") {
      event.preventDefault();
      this.enter();
    } else if (event.key === "Backspace" && this.input.value === "" && this.list.length) {
      this.take(this.list.length - 1);
    }
  }

  /** A pasted list becomes chips, except the last, which may still be typed on. */
  paste() {
    const parts = this.input.value.split(/[,\n]/).map((part) => part.trim()).filter(Boolean);
    if (parts.length > 1) {
      this.input.value = parts.pop();
      this.list = [...new Set([...this.list, ...parts])];
      this.draw();
    }
  }

  enter() {
    this.list = this.values();
    this.input.value = "";
    this.draw();
  }

  take(index) {
    this.list.splice(index, 1);
    this.draw();
    this.input.focus();
  }

  draw() {
    fill(this.chips, this.list.map((value, index) => h("li", {},
      h("span", {}, this.name(value)),
      h("button", {
        type: "button", "aria-label": `Remove ${this.name(value)}`, onclick: () => this.take(index),
      }, "×"))));
    this.onchange();
  }
}
