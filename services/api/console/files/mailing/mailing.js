/** One mailing, live: its figures through the statistics stream, its messages and its events. */

import { actionsOf } from "./actions.js";
import { get } from "../shared/api.js";
import { Chart } from "./chart.js";
import { Badge, Bar, Figures } from "../shared/status_counts.js";
import { announce } from "../shared/dialog.js";
import { fill, h, number, say, section, table } from "../shared/elements.js";
import { HOME_ZONE, count, duration, rate, time } from "../shared/format.js";
import { once, poll } from "../shared/polling.js";
import { messageList } from "./messages.js";
import { heading } from "../shared/router.js";
import { may } from "../shared/session.js";
import { follow } from "./statistics_stream.js";
import { timeline } from "../shared/event_list.js";

const LOOK_EVERY = 5;

export async function mailing({ main, ids: [id], signal }) {
  let found;
  main.append(heading(`Mailing ${id}`));
  await once(async () => {
    found = await get(`mailings/${id}`, {}, signal);
  }, signal);
  if (!signal.aborted) {
    await new View(id, found, signal).run(main);
  }
}

class View {
  constructor(id, found, signal) {
    this.id = id;
    this.mailing = found;
    this.signal = signal;
    this.following = false;
    this.failed = new Promise((_, reject) => {
      this.fail = reject;
    });
    this.badge = new Badge();
    this.plan = h("dl", { class: "plan" });
    this.text = h("p", { class: "message-text" });
    this.figures = new LiveFigures(signal);
    this.actions = may("operator") ? actionsOf(id, (changed) => this.changed(changed), signal) : null;
  }

  async run(main) {
    this.messages = messageList(this.id, () => this.ended, this.signal);
    this.events = timeline(`mailings/${this.id}`, 10, this.signal);
    const title = heading(`Mailing ${this.id} `, this.badge.element);
    main.replaceChildren(
      h("div", { class: "head" }, title, this.actions && this.actions.element),
      h("div", { class: "columns" }, section("Text", this.text), section("Plan", this.plan)),
      this.figures.element,
      section("Messages", this.messages.element), section("Events", this.events.element));
    this.show(this.mailing);
    await Promise.all([
      this.follow(), this.failed, this.messages.failed, this.events.failed,
      poll(async () => this.take(await get(`mailings/${this.id}`, {}, this.signal)), LOOK_EVERY, this.signal)]);
  }

  get ended() {
    return this.mailing.finished_at !== null;
  }

  /** Somebody here changed it: what follows from that is wanted at once. */
  changed(found) {
    this.take(found);
    this.events.again();
    this.messages.again();
  }

  take(found) {
    const moved = found.status !== this.mailing.status || found.finished_at !== this.mailing.finished_at;
    if (found.status !== this.mailing.status) {
      announce(`Mailing ${this.id} is ${found.status}.`);
    }
    this.mailing = found;
    this.show(found);
    if (moved) {
      this.events.again();
      this.messages.again();
      this.follow().catch(this.fail);
    }
  }

  /** Follow the stream until it ends; a mailing that runs again is followed again. */
  async follow() {
    if (this.following) {
      return;
    }
    this.following = true;
    try {
      await follow(this.id, (statistics) => this.figures.update(statistics, this.mailing), this.signal);
    } finally {
      this.following = false;
    }
    if (!this.ended) {
      await once(async () => this.take(await get(`mailings/${this.id}`, {}, this.signal)), this.signal);
    }
  }

  show(found) {
    this.badge.update(found.status);
    say(this.text, found.text);
    this.actions?.update(found);
    const key = JSON.stringify({ ...found, by_status: null, total: null });
    if (key !== this.key) {
      this.key = key;
      fill(this.plan, planOf(found));
    }
  }
}

function planOf(mailing) {
  const { operator_codes: codes, tags } = mailing.filter;
  const window = mailing.window === null ? "around the clock"
    : `${mailing.window.from} to ${mailing.window.to} on each client's own clock`;
  return [
    ["Operator codes", codes.length ? chips(codes) : "any"],
    ["Tags", tags.length ? chips(tags.map((tag) => tag || "(no tag)")) : "any"],
    ["Starts", time(mailing.start_at)], ["Ends", time(mailing.end_at)],
    ["Window", window],
    ["Began", time(mailing.started_at)], ["Finished", time(mailing.finished_at)],
    ["Times are in", HOME_ZONE],
  ].map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)));
}

function chips(values) {
  return h("span", { class: "chips" }, values.slice(0, 50).map((value) => h("span", { class: "chip" }, value)),
    values.length > 50 && `and ${values.length - 50} more`);
}

/** Everything that the statistics stream says. */
class LiveFigures {
  constructor(signal) {
    this.bar = new Bar();
    this.figures = new Figures();
    this.pace = h("p", { class: "hint" });
    this.chart = new Chart(signal);
    this.reasons = h("div", {}, h("p", { class: "empty" }, "No message failed."));
    this.outcomes = h("div", {}, h("p", { class: "empty" }, "No attempt was made yet."));
    this.element = h("div", {},
      section("Progress", this.bar.element, this.figures.element, this.pace),
      section("Minute by minute", this.chart.element),
      h("div", { class: "columns" }, section("Reasons", this.reasons), section("Attempts", this.outcomes)));
  }

  update(statistics, mailing) {
    this.bar.update(statistics.by_status);
    this.figures.update(statistics.by_status, statistics.total);
    this.chart.update(statistics.per_minute);
    say(this.pace, paceOf(statistics, mailing.expanding));
    this.list("reasons", statistics.reasons, (reasons) => table("Reasons", ["Status", "Reason", ["Messages", "number"]],
      reasons.map((one) => h("tr", {},
        h("td", {}, new Badge(one.status).element), h("td", {}, one.reason), number(count(one.count))))));
    const outcomes = Object.entries(statistics.attempts.by_outcome).sort((one, other) => other[1] - one[1]);
    this.list("outcomes", outcomes, (found) => table("Attempts", ["Outcome", ["Attempts", "number"]], [
      ...found.map(([outcome, attempts]) => h("tr", {}, h("td", {}, outcome), number(count(attempts)))),
      h("tr", { class: "sum" }, h("td", {}, "total"), number(count(statistics.attempts.total)))]));
  }

  /** Lists are made anew where they changed: nobody clicks in them. */
  list(name, items, make) {
    const key = JSON.stringify(items);
    if (items.length && key !== this[`${name}Key`]) {
      this[`${name}Key`] = key;
      fill(this[name], make(items));
    }
  }
}

function paceOf(statistics, expanding) {
  const growing = expanding ? "The audience is still being gathered. " : "";
  if (statistics.status === "scheduled") {
    return "It has not started yet.";
  }
  if (statistics.status === "paused") {
    return `${growing}Paused: nothing is sent.`;
  }
  if (statistics.status !== "running") {
    return "";
  }
  const left = statistics.eta === null ? "how long it will take cannot be told" : `${duration(statistics.eta)} left`;
  return `${growing}${rate(statistics.rate)} over the last minutes, ${left}.`;
}
