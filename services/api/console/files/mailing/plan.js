/** Shows the plan of a mailing: to whom and when it is sent. */

/** @import { Filter, Mailing, Window } from "api-types" */
/** @import { Node } from "../segments/values.js" */
/** @import { Child } from "../shared/elements.js" */

import { definitions, h, setChildren } from "../shared/elements.js";
import { inWords } from "../segments/in_words.js";
import { kindOf } from "../segments/values.js";
import { HOME_ZONE, WEEKDAYS, timeElement, weekdayName } from "../shared/format.js";
import { link } from "../shared/router.js";
import { say, sayCount } from "../shared/words/language.js";

const MOST_CHIPS = 50;

export class Plan {
  constructor() {
    this.element = h("dl", { class: "plan" });
    this.shown = "";
  }

  /** @param {Mailing} mailing */
  update(mailing) {
    const { filter, recipients, window, text, on_missing: onMissing } = mailing;
    const key = JSON.stringify([filter, recipients, window, text, onMissing, momentsOf(mailing)]);
    if (key !== this.shown) {
      this.shown = key;
      setChildren(this.element, entriesOf(mailing));
    }
  }
}

/** @param {Mailing} mailing */
function entriesOf(mailing) {
  const { filter, recipients, window, text, on_missing: onMissing } = mailing;
  const [start, end, started, finished] = momentsOf(mailing);
  return definitions([
    ...(recipients === null ? audienceOf(filter) : [entry(say("recipients_title"), sayCount("from_file", recipients))]),
    [say("start"), timeElement(start)], [say("end"), timeElement(end)],
    [say("window"), window === null ? say("any_hour") : windowInWords(window)],
    ...(text.includes("{{") ? [entry(say("on_missing"), missingInWords(onMissing))] : []),
    [say("started"), timeElement(started)], [say("finished"), timeElement(finished)],
    [say("times_in"), HOME_ZONE],
  ]);
}

/**
 * Says a window in words, with its days where it does not open on all.
 * @param {Window} window
 */
export function windowInWords({ from, to, days }) {
  return days.length === WEEKDAYS.length ? say("window_hours", { from, to })
    : say("window_hours_on", { from, to, days: days.map(weekdayName).join(", ") });
}

/** @param {Mailing["on_missing"]} onMissing */
export function missingInWords(onMissing) {
  return say(onMissing === "skip" ? "missing_skip" : "missing_refuse");
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
export function audienceOf(filter) {
  return [
    [say("operator_codes"), chips(filter.operator_codes)],
    [say("tags"), chips(filter.tags.map((tag) => tag || say("no_tag")))],
    [say("unsent_of"), filter.unsent_of === null ? say("any") : filter.unsent_of.toString()],
    ...(filter.segment === null ? []
      : [entry(say("segment"), h("a", { href: link(`segments/${filter.segment}`) }, filter.segment))]),
    ...(kindOf(filter) === null ? [] : [entry(say("conditions"), inWords(/** @type {Node} */ (filter)))]),
  ];
}

/**
 * @param {string} name
 * @param {Child} value
 * @returns {[name: string, value: Child]}
 */
function entry(name, value) {
  return [name, value];
}

/** @param {string[]} values */
function chips(values) {
  if (!values.length) {
    return say("any");
  }
  return h("span", { class: "chips" }, values.slice(0, MOST_CHIPS).map((value) => h("span", { class: "chip" }, value)),
    values.length > MOST_CHIPS && sayCount("and_more", values.length - MOST_CHIPS));
}
