/** The conditions of a filter: their operators, and how their values are typed. Pure. */

import { say } from "../shared/words/language.js";

/**
 * A condition, a group of them, or both in one: what the API calls a node.
 * @typedef {{field?: string, name?: string, op?: string, value?: unknown, mailing?: number, status?: string[],
 *   all?: Node[], any?: Node[], not?: Node[]}} Node
 */

/** @type {Array<[value: string, text: string]>} */
const EQUAL = [["eq", say("op_eq")], ["ne", say("op_ne")], ["in", say("op_in")]];
/** @type {Array<[value: string, text: string]>} */
const EXISTS = [["exists", say("op_exists")], ["lacks", say("op_lacks")]];

/** @typedef {"all" | "any" | "not"} Kind How many of the conditions of a group must be met. */

/** @type {Array<[kind: Kind, text: string]>} */
export const KINDS = [["all", say("all_conditions")], ["any", say("any_condition")], ["not", say("no_condition")]];

/**
 * Returns the kind of a group; null for a condition.
 * @param {{[kind in Kind]?: unknown}} node
 */
export function kindOf(node) {
  return KINDS.map(([kind]) => kind).find((kind) => node[kind]) ?? null;
}

/** @type {Array<[value: string, text: string]>} */
export const FIELDS = [
  ["message", say("condition_message")], ["attribute", say("condition_attribute")], ["tag", say("tag")],
  ["operator_code", say("operator_code")], ["timezone", say("time_zone")], ["created", say("condition_created")],
  ["no_message_within", say("condition_no_message_within")], ["group", say("condition_group")],
  ["json", say("condition_json")],
];

/** @type {Record<string, Array<[value: string, text: string]>>} The operators of each field. */
export const OPERATORS = {
  operator_code: EQUAL, timezone: EQUAL, tag: [...EQUAL, ...EXISTS],
  attribute: [...EQUAL, ["lt", say("op_lt")], ["le", say("op_le")], ["gt", say("op_gt")], ["ge", say("op_ge")],
    ["contains", say("op_contains")], ...EXISTS],
  created: [["before", say("op_before")], ["after", say("op_after")]],
  message: [["got", say("op_got")], ["missed", say("op_missed")]],
  no_message_within: [], group: [], json: [],
};

/**
 * Returns the operator of a condition, as people choose it.
 * @param {Node} condition
 * @param {boolean} negated Whether it must not be met.
 */
export function operatorOf({ field, mailing, op, value }, negated) {
  if (op === "exists") {
    return value === false ? "lacks" : "exists";
  }
  if (field === "message" || mailing !== undefined) {
    return negated ? "missed" : "got";
  }
  return op ?? "";
}

/**
 * Reads a value of an attribute as it is typed: a number, true, false, or a text, which may stand in quotes.
 * @param {string} text
 * @returns {string | number | boolean}
 */
export function readValue(text) {
  try {
    const value = JSON.parse(text);
    return ["string", "number", "boolean"].includes(typeof value) ? value : text;
  } catch {
    return text;
  }
}

/**
 * Writes a value so that it is read as the same again.
 * @param {unknown} value
 * @returns {string}
 */
export function writeValue(value) {
  if (Array.isArray(value)) {
    return value.map(writeValue).join(", ");
  }
  return typeof value === "string" && readValue(value) !== value ? JSON.stringify(value) : String(value ?? "");
}

/**
 * Reads a list as it is typed.
 * @param {string} text
 */
export function readList(text) {
  return text.split(",").map((part) => part.trim()).filter(Boolean);
}
