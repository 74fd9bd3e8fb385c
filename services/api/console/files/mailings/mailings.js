/** The page that lists mailings. */

/** @import { PageContext } from "../shared/router.js" */

import { get } from "../shared/api.js";
import { h } from "../shared/elements.js";
import { select } from "../shared/fields.js";
import { Poller } from "../shared/polling.js";
import { go, heading, link } from "../shared/router.js";
import { may } from "../shared/session.js";
import { STATES } from "../shared/vocabulary.js";
import { mailingList } from "./mailing_list.js";

const INTERVAL_SECONDS = 2;
const LIMIT = 25;

/** @param {PageContext} context */
export async function showMailings({ main, query, signal }) {
  const status = STATES.find((state) => state === query.get("status")) ?? "";
  const filter = select([["", "All states"], ...STATES], status, {
    "aria-label": "State", onchange: () => go(link("mailings", { status: filter.value || null })),
  });
  const poller = new Poller(async (own) => {
    list.show(await get("mailings", { status: status || null, limit: LIMIT, cursor: list.cursor }, own));
  }, INTERVAL_SECONDS, signal);
  const empty = status ? `No mailing is ${status}.` : "There are no mailings yet.";
  const list = mailingList("Mailings", empty, () => poller.restart());
  main.append(
    h("div", { class: "head" }, heading("Mailings"),
      h("div", { class: "tools" }, filter,
        may("operator") && h("a", { href: "#/mailings/new", role: "button" }, "New mailing"))),
    list.element);
  poller.restart();
  await poller.failed;
}
