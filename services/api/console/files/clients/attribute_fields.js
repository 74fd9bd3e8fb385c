/** The attributes of a client: a row for each, with its name, its kind and its value. */

/** @import { Client } from "api-types" */

import { button, h, setChildren } from "../shared/elements.js";
import { select } from "../shared/forms/fields.js";
import { say } from "../shared/words/language.js";

/** @typedef {string | number | boolean} Value */
/** @typedef {"string" | "number" | "boolean"} Kind */

export class AttributeFields {
  /** @param {Client["attributes"]} attributes */
  constructor(attributes) {
    this.before = /** @type {Record<string, Value>} */ (attributes);
    this.rows = Object.entries(this.before).map(([name, value]) => new AttributeRow(name, value, this));
    this.list = h("div", { class: "attributes" });
    this.element = h("fieldset", { "data-loc": "attributes" }, h("legend", {}, say("attributes")),
      h("small", {}, say("attributes_hint")), this.list, h("small", { class: "wrong" }),
      button(say("add_attribute"), () => this.add(), { class: "small outline" }));
    this.draw();
  }

  add() {
    const row = new AttributeRow("", "", this);
    this.rows.push(row);
    this.draw();
    row.name.focus();
  }

  /** @param {AttributeRow} row */
  remove(row) {
    this.rows = this.rows.filter((other) => other !== row);
    this.draw();
  }

  draw() {
    setChildren(this.list, this.rows.map((row) => row.element));
  }

  /**
   * Returns what changes, as a merge patch: null removes an attribute. Null where nothing changes.
   * @returns {Record<string, Value | null> | null}
   */
  get changes() {
    const given = this.rows.map((row) => row.entry).filter(([name, value]) => name !== "" && value !== "");
    const after = new Map(given);
    /** @type {Array<[string, Value | null]>} */
    const removed = Object.keys(this.before).filter((name) => !after.has(name)).map((name) => [name, null]);
    const changed = given.filter(([name, value]) => this.before[name] !== value);
    return removed.length + changed.length ? Object.fromEntries([...removed, ...changed]) : null;
  }
}

class AttributeRow {
  /**
   * @param {string} name
   * @param {Value} value
   * @param {AttributeFields} fields
   */
  constructor(name, value, fields) {
    this.name = h("input", { type: "text", value: name, "aria-label": say("attribute_name"), placeholder: "name" });
    this.kind = select([["string", say("kind_of_text")], ["number", say("kind_of_number")],
      ["boolean", say("kind_of_truth")]], typeof value, {
      "aria-label": say("attribute_kind"), onchange: () => this.draw(),
    });
    this.text = h("input", { type: "text", "aria-label": say("value"), value: String(value) });
    this.truth = select([["true", say("yes")], ["false", say("no")]], String(value), { "aria-label": say("value") });
    this.element = h("div", { class: "attribute" }, this.name, this.kind, this.text, this.truth,
      button("×", () => fields.remove(this), { class: "small outline", "aria-label": say("remove", { value: name }) }));
    this.draw();
  }

  draw() {
    const kind = this.kind.value;
    this.truth.hidden = kind !== "boolean";
    this.text.hidden = kind === "boolean";
    this.text.inputMode = kind === "number" ? "decimal" : "text";
  }

  /**
   * What is no number stays a text, so that the API says what is wrong.
   * @returns {[name: string, value: Value]}
   */
  get entry() {
    const name = this.name.value.trim();
    const kind = /** @type {Kind} */ (this.kind.value);
    const text = this.text.value.trim();
    if (kind === "boolean") {
      return [name, this.truth.value === "true"];
    }
    const number = Number(text.replace(",", "."));
    return [name, kind === "number" && text !== "" && !Number.isNaN(number) ? number : text];
  }
}
