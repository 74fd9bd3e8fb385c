/** The first page: everything, counted, and what runs. */

import { get } from "../shared/api.js";
import { Bar, Figures, Speed } from "../shared/status_counts.js";
import { h, say, section } from "../shared/elements.js";
import { count, duration, rate, several } from "../shared/format.js";
import { poll } from "../shared/polling.js";
import { mailingList } from "../mailings/mailings.js";
import { heading, link } from "../shared/router.js";
import { may } from "../shared/session.js";
import { STATES, final, waiting } from "../shared/vocabulary.js";

const EVERY = 2;
const MOST_RUNNING = 10;
// So long without any final message while mailings run is worth a word.
const STILL_SECONDS = 20;

export async function overview({ main, signal }) {
  const bar = new Bar();
  const figures = new Figures();
  const speed = h("p", { class: "hint" });
  const still = h("p", { class: "note", role: "status" });
  const states = new States();
  const running = mailingList("Running mailings", "No mailing runs.");
  main.append(
    heading("Overview"), still,
    section("Messages", bar.element, figures.element, speed),
    section("Mailings", states.element),
    section("Running now", running.element,
      may("operator") && h("p", { class: "below" }, h("a", { href: "#/mailings/new", role: "button" }, "New mailing"))),
  );
  const progress = new Progress();
  await poll(async () => {
    const query = { status: "running", limit: MOST_RUNNING };
    const [totals, page] = await Promise.all([
      get("statistics", {}, signal), get("mailings", query, signal)]);
    bar.update(totals.messages);
    figures.update(totals.messages, totals.messages.total);
    states.update(totals.mailings);
    // The list is of the largest interest, not the whole: the Mailings page has pages.
    running.show({ ...page, next: null });
    progress.look(totals);
    say(speed, progress.speed(totals.messages));
    say(still, progress.stillness(totals));
  }, EVERY, signal);
}

/** What can be told of sending from one look to the next. */
class Progress {
  constructor() {
    this.rates = new Speed();
    this.changedAt = Date.now();
    this.final = null;
  }

  look({ messages, mailings }) {
    const now = final(messages);
    if (now !== this.final || !mailings.running || !waiting(messages)) {
      this.final = now;
      this.changedAt = Date.now();
    }
    this.rates.add(now);
  }

  speed(messages) {
    const wait = waiting(messages) ? `${several(waiting(messages), "message")} wait.` : "No message waits.";
    return this.rates.rate === null ? wait : `${wait} ${rate(this.rates.rate)} became final over the last seconds.`;
  }

  stillness({ mailings }) {
    const seconds = Math.floor((Date.now() - this.changedAt) / 5000) * 5;
    if (seconds < STILL_SECONDS) {
      return "";
    }
    return `No message became final for ${duration(seconds)}, though ${several(mailings.running, "mailing")} `
      + "should be sending. Retries may wait for their time, windows may be closed, or sending may be held because the "
      + "provider is away: /readyz of a dispatcher says which.";
  }
}

/** Mailings by state, each a link to their list. */
class States {
  constructor() {
    this.numbers = new Map();
    this.element = h("ul", { class: "figures" }, ["total", ...STATES].map((state) => this.state(state)));
  }

  state(name) {
    const number = h("strong", {}, "–");
    this.numbers.set(name, number);
    const href = link("mailings", { status: name === "total" ? null : name });
    return h("li", {}, h("a", { href }, h("span", {}, name), number));
  }

  update(mailings) {
    for (const [name, number] of this.numbers) {
      say(number, count(mailings[name]));
    }
  }
}
