/** The page that lists mailings. What is looked for and the page are in the address. */

/** @import { PageContext } from "../shared/router.js" */

import { get } from "../shared/api.js";
import { button, h } from "../shared/elements.js";
import { Poller } from "../shared/polling.js";
import { go, heading, link } from "../shared/router.js";
import { may } from "../shared/access/session.js";
import { mailingList } from "./mailing_list.js";
import { SearchForm, queryOf, readSearch } from "./search_form.js";
import { say } from "../shared/words/language.js";

const INTERVAL_SECONDS = 2;
const LIMIT = 25;

/** @param {PageContext} context */
export async function showMailings({ main, query, signal }) {
  const search = readSearch(query);
  const form = new SearchForm(search, (wanted) => go(link("mailings", { ...wanted })));
  const isSearch = Object.values(search).some((value) => value);
  const poller = new Poller(async (own) => {
    list.show(await get("mailings", { ...queryOf(search), limit: LIMIT, cursor: list.cursor }, own));
  }, INTERVAL_SECONDS, signal);
  const list = mailingList({
    label: say("mailings"), empty: isSearch ? say("none_found") : say("no_mailings"), kept: "page", signal,
    onturn: () => poller.restart(), onaction: () => poller.restart(),
  });
  main.append(
    h("div", { class: "head" }, heading(say("mailings")), h("div", { class: "tools" },
      may("operator") && h("a", { href: "#/mailings/new", role: "button" }, say("new_mailing")))),
    form.element,
    isSearch ? h("p", { class: "hint" }, button(say("clear_search"), () => go("#/mailings"), { class: "link" })) : "",
    list.element);
  poller.restart();
  await poller.failed;
}
