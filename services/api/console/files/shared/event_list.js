/** Lists what happened to a mailing or a client, in time order. */

/** @import { Event, Events } from "api-types" */
/** @import { Child } from "./elements.js" */

import { get } from "./api.js";
import { h } from "./elements.js";
import { timeElement } from "./format.js";
import { PagedList } from "./paged_list.js";
import { Poller } from "./polling.js";
import { link } from "./router.js";

const LIMIT = 50;
/**
 * Details that have a form of their own; others are shown as their name and value.
 * @type {Record<string, (text: string) => string>}
 */
const FORMATS = {
  message_id: (id) => `message ${id}`,
  number: (number) => `attempt ${number}`,
  duration_ms: (duration) => `${duration} ms`,
  http_status: (status) => `HTTP ${status}`,
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
    label: "Events", heads: ["Time", "Event", "Details"], empty: "No events yet.",
    row, onturn: () => poller.restart(),
  });
  poller.restart();
  return { element: list.element, reload: () => poller.restart(), failed: poller.failed };
}

/** @param {Event & {id: string}} event */
function row(event) {
  return {
    element: h("tr", {},
      h("td", { class: "moment" }, timeElement(event.at)),
      h("td", {}, event.kind.replaceAll("_", " ")),
      h("td", {}, formatDetails(event.detail))),
  };
}

/**
 * @param {Event["detail"]} detail
 * @returns {Child[]}
 */
function formatDetails(detail) {
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
    return ["mailing ", h("a", { href: link(`mailings/${Number(value)}`) }, String(value))];
  }
  const text = formatValue(value);
  return FORMATS[name]?.(text) ?? `${name.replaceAll("_", " ")} ${text}`;
}

/** @param {unknown} value */
function formatValue(value) {
  if (Array.isArray(value)) {
    return value.join(" ");
  }
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
