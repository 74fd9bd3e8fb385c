/** The form that looks for mailings: by name and text, state, and start. */

/** @import { Query } from "../shared/api.js" */

import { h } from "../shared/elements.js";
import { field, option, select } from "../shared/forms/fields.js";
import { HOME_ZONE } from "../shared/format.js";
import { toMoment } from "../shared/forms/time_zones.js";
import { STATES } from "../shared/vocabulary.js";
import { say } from "../shared/words/language.js";

const DAY_MS = 86_400_000;
/** The first is the usual one. */
const SORTS = ["-id", "id", "-start_at", "start_at", "end_at", "-end_at"];

/**
 * What is looked for, as the address has it; empty where anything will do. The days are local dates.
 * @typedef {{q: string, status: string, from: string, to: string, sort: string}} Search
 */

/**
 * Reads what is looked for from an address. What no form can have written is left out.
 * @param {URLSearchParams} query
 * @returns {Search}
 */
export function readSearch(query) {
  const known = (/** @type {string} */ name, /** @type {readonly string[]} */ values) => (
    values.find((value) => value === query.get(name)) ?? "");
  const day = (/** @type {string} */ name) => /^\d{4}-\d\d-\d\d$/.exec(query.get(name) ?? "")?.[0] ?? "";
  return {
    q: query.get("q") ?? "", status: known("status", STATES), from: day("from"), to: day("to"),
    sort: known("sort", SORTS.slice(1)),
  };
}

/**
 * Returns the parameters of the request.
 * @param {Search} search
 * @returns {Query}
 */
export function queryOf({ q, status, from, to, sort }) {
  return {
    q: q || null, status: status || null, sort: sort || null,
    start_from: from ? beginOf(from) : null, start_before: to ? beginOf(dayAfter(to)) : null,
  };
}

/** @param {string} day */
function beginOf(day) {
  // Where clocks change at midnight, the day begins an hour later.
  return toMoment(`${day}T00:00`, HOME_ZONE).moment ?? toMoment(`${day}T01:00`, HOME_ZONE).moment;
}

/** @param {string} day */
function dayAfter(day) {
  return new Date(Date.parse(`${day}T00:00Z`) + DAY_MS).toISOString().slice(0, 10);
}

export class SearchForm {
  /**
   * @param {Search} search
   * @param {(wanted: Query) => void} onsearch
   */
  constructor(search, onsearch) {
    const changed = () => onsearch(this.wanted);
    this.text = h("input", { type: "search", value: search.q, maxlength: 120 });
    this.state = select([["", say("all_states")], ...STATES.map((state) => option("state", state))], search.status, {
      onchange: changed,
    });
    this.from = h("input", { type: "date", value: search.from, onchange: changed });
    this.to = h("input", { type: "date", value: search.to, onchange: changed });
    this.sort = select(SORTS.map((sort) => [sort, sayOrder(sort)]), search.sort || "-id", { onchange: changed });
    this.element = h("form", { class: "search", role: "search", "aria-label": say("search_mailings") },
      field("q", say("name_or_text"), this.text), field("status", say("state"), this.state),
      field("from", say("starts_from"), this.from), field("to", say("starts_until"), this.to),
      field("sort", say("order"), this.sort),
      h("button", { type: "submit", class: "small" }, say("search")));
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      changed();
    });
  }

  /** @returns {Query} */
  get wanted() {
    return {
      q: this.text.value.trim() || null, status: this.state.value || null, from: this.from.value || null,
      to: this.to.value || null, sort: this.sort.value === "-id" ? null : this.sort.value,
    };
  }
}

/** @param {string} sort */
function sayOrder(sort) {
  switch (sort) {
    case "id":
      return say("order_oldest");
    case "start_at":
      return say("order_start");
    case "-start_at":
      return say("order_start_last");
    case "end_at":
      return say("order_end");
    case "-end_at":
      return say("order_end_last");
    default:
      return say("order_newest");
  }
}
