/** The page that lists mailings. */

/** @import { PageContext } from "../shared/router.js" */

import { get } from "../shared/api.js";
import { h } from "../shared/elements.js";
import { option, select } from "../shared/forms/fields.js";
import { Poller } from "../shared/polling.js";
import { go, heading, link } from "../shared/router.js";
import { may } from "../shared/access/session.js";
import { STATES } from "../shared/vocabulary.js";
import { mailingList } from "./mailing_list.js";
import { say } from "../shared/words/language.js";

const INTERVAL_SECONDS = 2;
const LIMIT = 25;

/** @param {PageContext} context */
export async function showMailings({ main, query, signal }) {
  const status = STATES.find((state) => state === query.get("status")) ?? "";
  const filter = select([["", say("all_states")], ...STATES.map((state) => option("state", state))], status, {
    "aria-label": say("state"), onchange: () => go(link("mailings", { status: filter.value || null })),
  });
  const poller = new Poller(async (own) => {
    list.show(await get("mailings", { status: status || null, limit: LIMIT, cursor: list.cursor }, own));
  }, INTERVAL_SECONDS, signal);
  const empty = status ? say("none_in_state") : say("no_mailings");
  const list = mailingList(say("mailings"), empty, () => poller.restart(), "page");
  main.append(
    h("div", { class: "head" }, heading(say("mailings")),
      h("div", { class: "tools" }, filter,
        may("operator") && h("a", { href: "#/mailings/new", role: "button" }, say("new_mailing")))),
    list.element);
  poller.restart();
  await poller.failed;
}
