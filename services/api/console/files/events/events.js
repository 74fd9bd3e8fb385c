/** The page of everything that happened, for admins: by actor, kind and time. What is looked for is in the address. */

/** @import { AnyEvent } from "api-types" */
/** @import { PageContext } from "../shared/router.js" */

import { may } from "../shared/access/session.js";
import { Problem, get } from "../shared/api.js";
import { downloadButton } from "../shared/download.js";
import { h } from "../shared/elements.js";
import { formatDetails } from "../shared/event_list.js";
import { exactTimeElement } from "../shared/format.js";
import { PagedList } from "../shared/paged_list.js";
import { Poller } from "../shared/polling.js";
import { heading, link } from "../shared/router.js";
import { say, sayOf } from "../shared/words/language.js";
import { EventSearch } from "./event_search.js";

const INTERVAL_SECONDS = 10;
const LIMIT = 50;

/** @param {PageContext} context */
export async function showEvents({ main, query, signal }) {
  if (!may("admin")) {
    main.append(heading(say("all_events")), h("p", {}, say("needs_admin")));
    return;
  }
  const search = new EventSearch(query);
  const poller = new Poller(async (own) => {
    try {
      list.show(await get("events", { ...search.wanted, limit: LIMIT, cursor: list.cursor }, own));
      return true;
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 422) {
        throw error;
      }
      list.show({ items: [], next: null });
      search.showProblem(error);
      return false;
    }
  }, INTERVAL_SECONDS, signal);
  /** @type {PagedList<AnyEvent>} */
  const list = new PagedList({
    kept: "page", label: say("events"), empty: say("no_events_found"), row, onturn: () => poller.restart(),
    heads: [say("time"), say("event"), say("actor"), [say("mailing"), "number"], [say("client"), "number"],
      say("details")],
  });
  const download = downloadButton(say("as_csv"), () => ({
    path: "events", query: search.wanted, accept: "text/csv", name: "events.csv", otherwise: say("too_many_events"),
  }), signal);
  main.append(
    h("div", { class: "head" }, heading(say("all_events")), h("div", { class: "tools" }, download.button)),
    download.box, search.element, list.element);
  poller.restart();
  await poller.failed;
}

/**
 * Says who did something. The API's name for strangers is a word, all others are names.
 * @param {string | null} by
 */
function actorOf(by) {
  return by === "nobody" ? say("a_stranger") : by ?? "–";
}

/** @param {AnyEvent} event */
function row({ at, kind, by, mailing_id: mailing, client_id: client, detail }) {
  const others = Object.fromEntries(Object.entries(detail).filter(([name]) => name !== "by"));
  return {
    element: h("tr", {},
      h("td", { class: "moment" }, exactTimeElement(at)), h("td", {}, sayOf("kind", kind)), h("td", {}, actorOf(by)),
      idCell(say("mailing"), "mailings", mailing), idCell(say("client"), "clients", client),
      h("td", { class: "long" }, formatDetails(others))),
  };
}

/**
 * Makes the cell of what an event is about.
 * @param {string} name
 * @param {string} page
 * @param {number | null} id
 */
function idCell(name, page, id) {
  return h("td", { class: "number", "data-name": name },
    id === null ? "–" : h("a", { href: link(`${page}/${id}`) }, id));
}
