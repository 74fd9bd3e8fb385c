/** One condition of a segment: its field, its operator and its value. */

/** @import { ConditionRows } from "./condition_rows.js" */
/** @import { Node } from "./values.js" */

import { button, h, setChildren, uniqueId } from "../shared/elements.js";
import { option, select } from "../shared/forms/fields.js";
import { HOME_ZONE } from "../shared/format.js";
import { toLocal, toMoment } from "../shared/forms/time_zones.js";
import { STATUSES } from "../shared/vocabulary.js";
import { say } from "../shared/words/language.js";
import { FIELDS, OPERATORS, kindOf, operatorOf, readList, readValue, writeValue } from "./values.js";

/** @type {Node} */
const NEW_GROUP = { any: [{ field: "attribute" }] };

export class ConditionRow {
  /**
   * @param {Node} node
   * @param {(row: ConditionRow) => void} remove
   * @param {(tree: Node) => ConditionRows} makeGroup
   */
  constructor(node, remove, makeGroup) {
    this.makeGroup = makeGroup;
    const { field, negated, condition } = shapeOf(node);
    this.field = select(FIELDS, field, { "aria-label": say("condition_of"), onchange: () => this.draw({}, false) });
    this.inputs = h("div", { class: "inputs" });
    this.wrong = h("small", { class: "wrong", id: uniqueId("wrong") });
    /** @type {HTMLInputElement | HTMLSelectElement | null} */
    this.op = null;
    /** @type {ConditionRows | null} */
    this.group = null;
    this.element = h("div", { class: "condition", "data-loc": "" },
      this.field, this.inputs,
      button("×", () => remove(this), { class: "small outline", "aria-label": say("remove_condition") }), this.wrong);
    this.draw(condition, negated);
  }

  /** @param {string} loc Where the condition stands in the body. */
  move(loc) {
    this.element.dataset.loc = loc;
    this.group?.move(loc);
  }

  /**
   * Makes the inputs of the field that is chosen.
   * @param {Node} condition
   * @param {boolean} negated
   */
  draw(condition, negated) {
    const field = this.field.value;
    const operators = OPERATORS[field] ?? [];
    this.name = textInput(condition.name ?? "", say("attribute_name"), "city");
    this.op = select(operators, operatorOf(condition, negated), {
      "aria-label": say("operator"), onchange: () => this.hide(),
    });
    this.value = textInput(writeValue(condition.value), say("value"), field === "no_message_within" ? "7d" : "");
    const local = field === "created" && condition.value ? toLocal(String(condition.value), HOME_ZONE) : "";
    this.moment = h("input", { type: "datetime-local", value: local, "aria-label": say("value") });
    this.mailing = h("input", {
      type: "number", min: "1", step: "1", value: condition.mailing?.toString() ?? "", "aria-label": say("mailing"),
    });
    const status = condition.status?.length === 1 ? (condition.status[0] ?? "") : "";
    this.status = select([["", say("any_status")], ...STATUSES.map((one) => option("status", one))],
      condition.mailing === undefined ? "sent" : status, { "aria-label": say("status") });
    this.json = h("textarea", { rows: 4, "aria-label": say("condition_json"), spellcheck: "false",
      value: Object.keys(condition).length ? JSON.stringify(condition, null, 1) : "" });
    this.group = field === "group" ? this.makeGroup(kindOf(condition) === null ? NEW_GROUP : condition) : null;
    this.group?.move(this.element.dataset.loc ?? "");
    /** @type {Record<string, HTMLElement[]>} */
    const inputs = {
      attribute: [this.name, this.op, this.value], created: [this.op, this.moment],
      message: [this.op, this.mailing, this.status], no_message_within: [this.value], json: [this.json],
      group: this.group === null ? [] : [this.group.element],
    };
    setChildren(this.inputs, inputs[field] ?? [this.op, this.value]);
    this.hide();
  }

  /** Hides the value of an operator that has none. */
  hide() {
    if (this.value !== undefined) {
      this.value.hidden = ["exists", "lacks"].includes(this.op?.value ?? "");
    }
  }

  /**
   * The condition as the API takes it.
   * @returns {Node}
   */
  get node() {
    const field = this.field.value;
    const op = this.op?.value ?? "";
    const text = this.value?.value.trim() ?? "";
    switch (field) {
      case "group":
        return this.group?.tree ?? {};
      case "json":
        return readJson(this.json?.value ?? "");
      case "message":
        return this.message(op);
      case "no_message_within":
        return { field, value: text };
      case "created":
        return { field, op, value: toMoment(this.moment?.value ?? "", HOME_ZONE)?.moment ?? "" };
      case "attribute":
        return { field, name: this.name?.value.trim() ?? "", ...comparison(op, text, readValue) };
      default:
        return { field, ...comparison(op, text, String) };
    }
  }

  /**
   * @param {string} op
   * @returns {Node}
   */
  message(op) {
    const status = this.status?.value ? { status: [this.status.value] } : {};
    const condition = { field: "message", mailing: Number(this.mailing?.value || 0), ...status };
    return op === "missed" ? { not: [condition] } : condition;
  }
}

/**
 * @param {string} op
 * @param {string} text
 * @param {(text: string) => unknown} read
 * @returns {Node}
 */
function comparison(op, text, read) {
  if (op === "exists" || op === "lacks") {
    return { op: "exists", value: op === "exists" };
  }
  return { op, value: op === "in" ? readList(text).map(read) : read(text) };
}

/**
 * Returns the field of a node, and its condition. What rows cannot show is JSON.
 * @param {Node} node
 * @returns {{field: string, negated: boolean, condition: Node}}
 */
function shapeOf(node) {
  const only = node.not?.length === 1 ? node.not[0] : undefined;
  const condition = only?.field === "message" ? only : node;
  if (condition === node && kindOf(node) !== null) {
    return { field: "group", negated: false, condition: node };
  }
  const shown = condition.field !== undefined && condition.field in OPERATORS && (condition.status?.length ?? 0) <= 1;
  return shown
    ? { field: condition.field ?? "", negated: condition !== node, condition }
    : { field: "json", negated: false, condition: node };
}

/**
 * @param {string} text
 * @returns {Node}
 */
function readJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/**
 * @param {string} value
 * @param {string} label
 * @param {string} placeholder
 */
function textInput(value, label, placeholder) {
  return h("input", { type: "text", autocomplete: "off", value, placeholder, "aria-label": label });
}
