/** Lists what happened to a mailing or a client, in time order. */

/** @import { Event, Events } from "api-types" */
/** @import { Child } from "./elements.js" */

import { get } from "./api.js";
import { h } from "./elements.js";
import { exactTimeElement } from "./format.js";
import { PagedList } from "./paged_list.js";
import { Poller } from "./polling.js";
import { link } from "./router.js";
import { describeReason, formatCount, hasWord, say, sayOf, sayWith } from "./words/language.js";

const LIMIT = 50;
/**
 * The details whose values are words of the API.
 * @type {Record<string, "status" | "outcome" | "role" | "field" | "thing">}
 */
const FAMILIES = {
  outcome: "outcome", status: "status", statuses: "status", role: "role", fields: "field",
  source: "thing", what: "thing", letters: "thing",
};

/**
 * Makes the list of the events of `path`, which is loaded periodically.
 * @param {string} path
 * @param {number} seconds
 * @param {AbortSignal} signal
 */
export function eventList(path, seconds, signal) {
  const poller = new Poller(async (own) => {
    /** @type {Events} */
    const page = await get(`${path}/events`, { limit: LIMIT, cursor: list.cursor }, own);
    // Events have no ids; within their list they never change places.
    list.show({ ...page, items: page.items.map((event, index) => ({ ...event, id: `${list.cursor} ${index}` })) });
  }, seconds, signal);
  const list = new PagedList({
    kept: "events", label: say("events"), heads: [say("time"), say("event"), say("details")], empty: say("no_events"),
    row, onturn: () => poller.restart(),
  });
  poller.restart();
  return { element: list.element, reload: () => poller.restart(), failed: poller.failed };
}

/** @param {Event & {id: string}} event */
function row(event) {
  return {
    element: h("tr", {},
      h("td", { class: "moment" }, exactTimeElement(event.at)),
      h("td", {}, sayOf("kind", event.kind)),
      h("td", {}, formatDetails(event.detail))),
  };
}

/**
 * Describes the details of an event, each whole.
 * @param {Event["detail"]} detail
 * @returns {Child[]}
 */
export function formatDetails(detail) {
  const known = Object.entries(detail).filter(([, value]) => value !== null);
  return known.map(([name, value], index) => [index > 0 && ", ", formatDetail(name, value)]);
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {Child}
 */
function formatDetail(name, value) {
  if (name === "mailing_id") {
    return sayWith("detail_mailing_id", { value: h("a", { href: link(`mailings/${Number(value)}`) }, String(value)) });
  }
  const text = formatValue(name, value);
  return hasWord("detail", name) ? sayOf("detail", name, { value: text })
    : say("detail_other", { name: name.replaceAll("_", " "), value: text });
}

/**
 * @param {string} name
 * @param {unknown} value
 */
function formatValue(name, value) {
  const values = Array.isArray(value) ? value : [value];
  return values.map((one) => formatOne(name, one)).join(" ");
}

/**
 * @param {string} name
 * @param {unknown} value
 */
function formatOne(name, value) {
  if (typeof value === "number" && !name.endsWith("_id") && name !== "http_status") {
    return formatCount(value);
  }
  return typeof value === "object" ? JSON.stringify(value) : translate(name, String(value));
}

/**
 * @param {string} name
 * @param {string} value
 */
function translate(name, value) {
  if (name === "reason") {
    return describeReason(value);
  }
  const family = FAMILIES[name];
  return family === undefined ? value : sayOf(family, value);
}
