/** What happened to a mailing or a client, in time order. */

import { get } from "./api.js";
import { h } from "./elements.js";
import { time } from "./format.js";
import { Repeating } from "./polling.js";
import { List, Rows } from "./paged_list.js";
import { link } from "./router.js";

const LIMIT = 50;
/** Details that read better than by their names. */
const WRITTEN = {
  message_id: (id) => `message ${id}`,
  number: (number) => `attempt ${number}`,
  duration_ms: (duration) => `${duration} ms`,
  http_status: (status) => `HTTP ${status}`,
};

/** The events of `path`, looked at every so many seconds: {element, again(), failed}. */
export function timeline(path, seconds, signal) {
  const looking = new Repeating(async (own) => {
    const page = await get(`${path}/events`, { limit: LIMIT, cursor: list.cursor }, own);
    // Events have no ids; within their list they never change places.
    list.show({ ...page, items: page.items.map((event, index) => ({ ...event, id: `${list.cursor} ${index}` })) });
  }, seconds, signal);
  const list = new List({
    label: "Events", heads: ["When", "What", "Details"], empty: "Nothing has happened yet.",
    rows: new Rows(row), turned: () => looking.again(),
  });
  looking.again();
  return { element: list.element, again: () => looking.again(), failed: looking.failed };
}

function row(event) {
  return {
    element: h("tr", {},
      h("td", { class: "moment" }, time(event.at)),
      h("td", {}, event.kind.replaceAll("_", " ")),
      h("td", {}, details(event.detail))),
  };
}

function details(detail) {
  const known = Object.entries(detail).filter(([, value]) => value !== null);
  return known.flatMap(([name, value], index) => [index > 0 && ", ", ...detailOf(name, value)]);
}

function detailOf(name, value) {
  if (name === "mailing_id") {
    return ["mailing ", h("a", { href: link(`mailings/${Number(value)}`) }, value)];
  }
  const text = Array.isArray(value) ? value.join(" ") : typeof value === "object" ? JSON.stringify(value) : value;
  return [(WRITTEN[name] ?? ((shown) => `${name.replaceAll("_", " ")} ${shown}`))(text)];
}
