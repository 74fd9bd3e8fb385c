/** What the columns of a file hold, as a table in which it is chosen. */

/** @import { ImportInspection } from "api-types" */

import { h, numberCell, table } from "../shared/elements.js";
import { select } from "../shared/forms/fields.js";
import { formatCount, say } from "../shared/words/language.js";

/** @typedef {ImportInspection["columns"][number]} Column */

const NOTHING = "-";
const ATTRIBUTE = "attributes.";
const NUMBER = ":number";
/** @type {Array<[value: string, text: string]>} */
const PHONE = [[NOTHING, say("column_nothing")], ["phone", say("phone")]];
/** @type {Array<[value: string, text: string]>} What files of the stop list hold. */
export const REASONS = [...PHONE, ["reason", say("reason")]];
/** @type {Array<[value: string, text: string]>} */
const FIELDS = [
  ["operator_code", say("operator_code")], ["tag", say("tag")], ["tags", say("tags")], ["timezone", say("time_zone")],
  ["external_id", say("external_id")], ["attributes", say("column_attributes")],
];
/** @type {Array<[value: string, text: string]>} */
const VALUES = [[ATTRIBUTE, say("column_attribute")], [`${ATTRIBUTE}${NUMBER}`, say("column_number")]];
/** What files of recipients hold. */
export const RECIPIENTS = [...PHONE, ...VALUES];
/** What files of clients hold. */
export const CLIENTS = [...PHONE, ...FIELDS, ...VALUES];

export class ColumnMap {
  /**
   * @param {ImportInspection} inspected
   * @param {Array<[value: string, text: string]>} options What a column may hold.
   */
  constructor(inspected, options) {
    const proposed = inspected.proposal.map?.split(",") ?? [];
    const takesValues = options.some(([value]) => value === ATTRIBUTE);
    this.columns = inspected.columns.map((column, index) => {
      const target = proposed[index] ?? column.target ?? NOTHING;
      return new ColumnChoice(column, takesValues ? target : target.replace(ATTRIBUTE, ""), options);
    });
    const heads = [say("heading"), say("samples"), say("filled"), say("column_holds")];
    this.element = table(say("columns"), heads, this.columns.map((column) => column.element));
  }

  /** The map as the API takes it. */
  get value() {
    return this.columns.map((column) => column.value).join(",");
  }
}

class ColumnChoice {
  /**
   * @param {Column} column
   * @param {string} target
   * @param {Array<[value: string, text: string]>} options
   */
  constructor({ heading, samples, filled }, target, options) {
    const isValue = target.startsWith(ATTRIBUTE);
    const kind = isValue && target.endsWith(NUMBER) ? `${ATTRIBUTE}${NUMBER}` : ATTRIBUTE;
    const known = options.some(([value]) => value === target) ? target : NOTHING;
    const label = say("column_holds_of", { heading });
    this.choice = select(options, isValue ? kind : known, { "aria-label": label, onchange: () => this.draw() });
    this.name = h("input", {
      type: "text", "aria-label": say("attribute_name"), placeholder: "name",
      value: isValue ? target.slice(ATTRIBUTE.length).replace(NUMBER, "") : "",
    });
    this.element = h("tr", {},
      h("th", { scope: "row" }, heading), h("td", { class: "text" }, samples.join(", ")),
      numberCell(formatCount(filled)), h("td", { class: "choice" }, this.choice, this.name));
    this.draw();
  }

  draw() {
    this.name.hidden = !this.choice.value.startsWith(ATTRIBUTE);
  }

  get value() {
    const chosen = this.choice.value;
    const [before, after] = [ATTRIBUTE, chosen.slice(ATTRIBUTE.length)];
    return chosen.startsWith(ATTRIBUTE) ? `${before}${this.name.value.trim()}${after}` : chosen;
  }
}
