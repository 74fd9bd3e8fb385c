/** Says a filter in words, as the plan of a mailing shows it. Pure. */

/** @import { Node } from "./values.js" */

import { formatWholeMoment } from "../shared/format.js";
import { say, sayOf } from "../shared/words/language.js";
import { FIELDS, OPERATORS, kindOf, operatorOf, writeValue } from "./values.js";

/**
 * Says a condition, or a group of them.
 * @param {Node} node
 * @returns {string}
 */
export function inWords(node) {
  const kind = kindOf(node);
  if (kind === null) {
    return condition(node, false);
  }
  const nodes = node[kind] ?? [];
  const only = nodes[0];
  if (kind === "not" && nodes.length === 1 && only?.field === "message") {
    return condition(only, true);
  }
  return say(`group_${kind}`, { conditions: nodes.map(within).join("; ") });
}

/**
 * Says a node of a group, in brackets where it is a group of several.
 * @param {Node} node
 */
function within(node) {
  const kind = kindOf(node);
  const said = inWords(node);
  return kind !== null && (node[kind]?.length ?? 0) > 1 ? say("in_brackets", { text: said }) : said;
}

/**
 * @param {Node} node
 * @param {boolean} negated
 */
function condition(node, negated) {
  const { field = "", name = "", mailing, value, status } = node;
  switch (field) {
    case "message":
      return joined(say(negated ? "said_missed" : "said_got", { mailing: String(mailing) }), statuses(status));
    case "no_message_within":
      return say("said_nothing_within", { value: String(value) });
    default:
      return joined(textOf(FIELDS, field), name, textOf(OPERATORS[field] ?? [], operatorOf(node, negated)),
        valueInWords(node));
  }
}

/** @param {...string} words */
function joined(...words) {
  return words.filter(Boolean).join(" ");
}

/** @param {string[] | undefined} status */
function statuses(status) {
  return status?.length ? say("in_brackets", { text: status.map((one) => sayOf("status", one)).join(", ") }) : "";
}

/** @param {Node} node */
function valueInWords({ field, op, value }) {
  if (op === "exists") {
    return "";
  }
  return field === "created" ? formatWholeMoment(String(value)) : writeValue(value);
}

/**
 * @param {Array<[value: string, text: string]>} options
 * @param {string} wanted
 */
function textOf(options, wanted) {
  return options.find(([value]) => value === wanted)?.[1] ?? "";
}
