/** A group of conditions as rows, of which all, one or none must be met. A row may be a group again. */

/** @import { Node } from "./values.js" */

import { button, h, setChildren } from "../shared/elements.js";
import { select } from "../shared/forms/fields.js";
import { say } from "../shared/words/language.js";
import { ConditionRow } from "./condition_row.js";
import { KINDS, kindOf } from "./values.js";

/** @type {Node} */
const MISSED = { not: [{ field: "message", mailing: 0, status: ["sent"] }] };

export class ConditionRows {
  /**
   * @param {Node} tree
   * @param {string} loc Where the tree stands in the body, such as "filter".
   */
  constructor(tree, loc) {
    this.loc = loc;
    const kind = kindOf(tree) ?? "all";
    this.kind = select(KINDS, kind, { "aria-label": say("conditions"), onchange: () => this.draw() });
    /** @type {Node[]} */
    const nodes = tree[kind] ?? [];
    this.rows = nodes.map((node) => this.row(node));
    this.list = h("div", { class: "conditions" });
    this.element = h("div", { class: "group" }, this.kind, this.list,
      h("div", { class: "actions" },
        button(say("add_condition"), () => this.add({ field: "attribute" }), { class: "small outline" }),
        button(say("add_missed"), () => this.add(MISSED), { class: "small outline" })));
    this.draw();
  }

  /** @param {Node} node */
  row(node) {
    return new ConditionRow(node, (removed) => {
      this.rows = this.rows.filter((one) => one !== removed);
      this.change();
    }, (tree) => new ConditionRows(tree, ""));
  }

  /** @param {Node} node */
  add(node) {
    const row = this.row(node);
    this.rows.push(row);
    this.change();
    row.inputs.querySelector("input")?.focus();
  }

  /** Tells whoever listens to the form, as an input does. */
  change() {
    this.draw();
    this.element.dispatchEvent(new Event("change", { bubbles: true }));
  }

  /** @param {string} loc */
  move(loc) {
    this.loc = loc;
    this.draw();
  }

  draw() {
    this.rows.forEach((row, index) => {
      row.move(`${this.loc}.${this.kind.value}.${index}`);
    });
    setChildren(this.list, this.rows.map((row) => row.element));
  }

  /** Whether there is a condition, and all that are there have their values. */
  get isWritten() {
    /** @type {NodeListOf<HTMLInputElement | HTMLTextAreaElement>} */
    const inputs = this.element.querySelectorAll(".inputs input, .inputs textarea");
    return this.rows.length > 0 && [...inputs].every((one) => one.hidden || one.value.trim() !== "");
  }

  /**
   * The tree as the API takes it, which takes no empty one.
   * @returns {Node}
   */
  get tree() {
    return { [this.kind.value]: this.rows.map((row) => row.node) };
  }
}
