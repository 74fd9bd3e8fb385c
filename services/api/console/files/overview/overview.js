/** The first page: all messages and mailings in figures, and the mailings that are running. */

/** @import { MailingTotals, Mailings, Totals } from "api-types" */
/** @import { PageContext } from "../shared/router.js" */

import { mailingList } from "../mailings/mailing_list.js";
import { get } from "../shared/api.js";
import { h, section, setText } from "../shared/elements.js";
import { poll } from "../shared/polling.js";
import { heading, link } from "../shared/router.js";
import { may } from "../shared/access/session.js";
import { StatusBar, StatusFigures } from "../shared/status_counts.js";
import { STATES } from "../shared/vocabulary.js";
import { Progress } from "./progress.js";
import { formatCount, say, sayOf } from "../shared/words/language.js";

const INTERVAL_SECONDS = 2;
const MOST_RUNNING = 10;

/** @param {PageContext} context */
export async function showOverview({ main, signal }) {
  const bar = new StatusBar();
  const figures = new StatusFigures();
  const speed = h("p", { class: "hint" });
  const stall = h("p", { class: "note", role: "status" });
  const states = new StateFigures();
  const running = mailingList(say("running_mailings"), say("none_running"), () => {});
  const progress = new Progress();
  main.append(
    heading(say("overview")), stall,
    section(say("messages"), bar.element, figures.element, speed),
    section(say("mailings"), states.element),
    section(say("running_now"), running.element,
      may("operator") && h("p", { class: "below" },
        h("a", { href: "#/mailings/new", role: "button" }, say("new_mailing")))),
  );
  await poll(async () => {
    /** @type {[Totals, Mailings]} */
    const [totals, page] = await Promise.all([
      get("statistics", {}, signal), get("mailings", { status: "running", limit: MOST_RUNNING }, signal)]);
    bar.update(totals.messages);
    figures.update(totals.messages, totals.messages.total);
    states.update(totals.mailings);
    // The newest alone: the page Mailings lists all of them.
    running.show({ ...page, next: null });
    progress.add(totals);
    setText(speed, progress.describeSpeed());
    setText(stall, progress.describeStall());
  }, INTERVAL_SECONDS, signal);
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
