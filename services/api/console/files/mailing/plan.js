/** Shows the plan of a mailing: to whom and when it is sent. */

/** @import { Filter, Mailing } from "api-types" */
/** @import { Child } from "../shared/elements.js" */

import { definitions, h, setChildren } from "../shared/elements.js";
import { HOME_ZONE, timeElement } from "../shared/format.js";
import { say, sayCount } from "../shared/words/language.js";

const MOST_CHIPS = 50;

export class Plan {
  constructor() {
    this.element = h("dl", { class: "plan" });
    this.shown = "";
  }

  /** @param {Mailing} mailing */
  update(mailing) {
    const { filter, recipients, window } = mailing;
    const key = JSON.stringify([filter, recipients, window, momentsOf(mailing)]);
    if (key !== this.shown) {
      this.shown = key;
      setChildren(this.element, entriesOf(mailing));
    }
  }
}

/** @param {Mailing} mailing */
function entriesOf(mailing) {
  const { filter, recipients, window } = mailing;
  const [start, end, started, finished] = momentsOf(mailing);
  return definitions([
    ...(recipients === null ? audienceOf(filter) : [fileOf(recipients)]),
    [say("start"), timeElement(start)], [say("end"), timeElement(end)],
    [say("window"), window === null ? say("any_hour") : say("window_hours", { from: window.from, to: window.to })],
    [say("started"), timeElement(started)], [say("finished"), timeElement(finished)],
    [say("times_in"), HOME_ZONE],
  ]);
}

/**
 * @param {Mailing} mailing
 * @returns {[start: string, end: string, started: string | null, finished: string | null]}
 */
function momentsOf({ start_at: start, end_at: end, started_at: started, finished_at: finished }) {
  return [start, end, started, finished];
}

/**
 * @param {Filter} filter
 * @returns {Array<[name: string, value: Child]>}
 */
function audienceOf(filter) {
  return [
    [say("operator_codes"), chips(filter.operator_codes)],
    [say("tags"), chips(filter.tags.map((tag) => tag || say("no_tag")))],
    [say("unsent_of"), filter.unsent_of === null ? say("any") : filter.unsent_of.toString()],
  ];
}

/**
 * @param {number} recipients
 * @returns {[name: string, value: Child]}
 */
function fileOf(recipients) {
  return [say("recipients_title"), sayCount("from_file", recipients)];
}

/** @param {string[]} values */
function chips(values) {
  if (!values.length) {
    return say("any");
  }
  return h("span", { class: "chips" }, values.slice(0, MOST_CHIPS).map((value) => h("span", { class: "chip" }, value)),
    values.length > MOST_CHIPS && sayCount("and_more", values.length - MOST_CHIPS));
}
