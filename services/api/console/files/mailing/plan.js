/** Shows the plan of a mailing: to whom and when it is sent. */

/** @import { Mailing } from "api-types" */

import { definitions, h, setChildren } from "../shared/elements.js";
import { HOME_ZONE, timeElement } from "../shared/format.js";

const MOST_CHIPS = 50;

export class Plan {
  constructor() {
    this.element = h("dl", { class: "plan" });
    this.shown = "";
  }

  /** @param {Mailing} mailing */
  update(mailing) {
    const { filter, window, start_at: start, end_at: end, started_at: started, finished_at: finished } = mailing;
    const key = JSON.stringify([filter, window, start, end, started, finished]);
    if (key !== this.shown) {
      this.shown = key;
      setChildren(this.element, entriesOf(mailing));
    }
  }
}

/** @param {Mailing} mailing */
function entriesOf({ filter, window, start_at: start, end_at: end, started_at: started, finished_at: finished }) {
  return definitions([
    ["Operator codes", chips(filter.operator_codes)],
    ["Tags", chips(filter.tags.map((tag) => tag || "(no tag)"))],
    ["Did not get mailing", filter.unsent_of === null ? "any" : filter.unsent_of.toString()],
    ["Start", timeElement(start)], ["End", timeElement(end)],
    ["Window", window === null ? "any time of day" : `${window.from} to ${window.to} in each client's time zone`],
    ["Started", timeElement(started)], ["Finished", timeElement(finished)],
    ["Times shown in", HOME_ZONE],
  ]);
}

/** @param {string[]} values */
function chips(values) {
  if (!values.length) {
    return "any";
  }
  return h("span", { class: "chips" }, values.slice(0, MOST_CHIPS).map((value) => h("span", { class: "chip" }, value)),
    values.length > MOST_CHIPS && `and ${values.length - MOST_CHIPS} more`);
}
