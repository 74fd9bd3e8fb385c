/** The first page: is it sending, is anything wrong, when is it done. */

/** @import { MailingTotals, Mailings, Overview, Totals } from "api-types" */
/** @import { PageContext } from "../shared/router.js" */
/** @import { Periods } from "../mailing/chart.js" */

import { Chart } from "../mailing/chart.js";
import { mailingList } from "../mailings/mailing_list.js";
import { get } from "../shared/api.js";
import { h, section, setText } from "../shared/elements.js";
import { Poller } from "../shared/polling.js";
import { heading, link } from "../shared/router.js";
import { may } from "../shared/access/session.js";
import { StatusBar, StatusFigures } from "../shared/status_counts.js";
import { STATES } from "../shared/vocabulary.js";
import { AttentionList, UpcomingList } from "./attention.js";
import { formatCount, say, sayOf } from "../shared/words/language.js";

const INTERVAL_SECONDS = 2;
const MOST_RUNNING = 10;
/** @type {Periods} */
const QUARTERS = {
  seconds: 900, hours: 24, caption: "last_day", sum: "quarters_said", last: "last_quarters", head: "quarter",
};

/** @param {PageContext} context */
export async function showOverview({ main, signal }) {
  const bar = new StatusBar();
  const figures = new StatusFigures();
  const chart = new Chart(QUARTERS, signal);
  const [attention, upcoming, states] = [new AttentionList(), new UpcomingList(), new StateFigures()];
  const first = firstSteps();
  const poller = new Poller(async (own) => {
    /** @type {[Totals, Mailings, Overview]} */
    const [totals, page, overview] = await Promise.all([get("statistics", {}, own),
      get("mailings", { status: "running", sort: "end_at", limit: MOST_RUNNING }, own), get("overview", {}, own)]);
    bar.update(totals.messages);
    figures.update(totals.messages, totals.messages.total);
    states.update(totals.mailings);
    first.hidden = totals.mailings.total > 0 || !may("operator");
    // The first to end alone: the page Mailings lists all of them.
    running.show({ ...page, next: null });
    chart.update(overview.last_day);
    attention.update(overview.attention);
    upcoming.update(overview.upcoming);
  }, INTERVAL_SECONDS, signal);
  const running = mailingList({
    label: say("running_mailings"), empty: say("none_running"), signal,
    onturn: () => {}, onaction: () => poller.restart(),
  });
  main.append(
    h("div", { class: "head" }, heading(say("overview")), may("operator") && h("div", { class: "tools" },
      h("a", { href: "#/mailings/new", role: "button" }, say("new_mailing")))),
    first,
    section(say("attention"), attention.element),
    section(say("running_now"), running.element),
    section(say("upcoming"), upcoming.element),
    section(say("last_day"), chart.element),
    section(say("messages"), bar.element, figures.element),
    section(say("mailings"), states.element),
  );
  poller.restart();
  await poller.failed;
}

/** Leads somebody who has sent nothing yet to the pages where that begins. */
function firstSteps() {
  const element = section(say("first_steps"), h("ol", {},
    h("li", {}, h("a", { href: "#/clients/import" }, say("first_import"))),
    h("li", {}, h("a", { href: "#/mailings/new" }, say("first_mailing")))));
  element.hidden = true;
  return element;
}

/** The number of mailings in each state, each a link to their list. */
class StateFigures {
  constructor() {
    /** @type {Array<keyof MailingTotals>} */
    const names = ["total", ...STATES];
    this.numbers = names.map((name) => ({ name, element: h("strong", {}, "–") }));
    this.element = h("ul", { class: "figures" }, this.numbers.map(({ name, element }) => h("li", {},
      h("a", { href: link("mailings", { status: name === "total" ? null : name }) },
        h("span", {}, sayOf("state", name)), element))));
  }

  /** @param {MailingTotals} counts */
  update(counts) {
    for (const { name, element } of this.numbers) {
      setText(element, formatCount(counts[name]));
    }
  }
}
