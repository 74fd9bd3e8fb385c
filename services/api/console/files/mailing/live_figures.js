/** Shows everything that the statistics stream sends. */

/** @import { Mailing, MailingStatistics, Reason } from "api-types" */

import { h, numberCell, section, setChildren, setText, table } from "../shared/elements.js";
import { formatCount, formatDuration, formatRate } from "../shared/format.js";
import { Badge, StatusBar, StatusFigures } from "../shared/status_counts.js";
import { Chart } from "./chart.js";

export class LiveFigures {
  /** @param {AbortSignal} signal */
  constructor(signal) {
    this.bar = new StatusBar();
    this.figures = new StatusFigures();
    this.speed = h("p", { class: "hint" });
    this.chart = new Chart(signal);
    this.reasons = new Redrawn("No messages have failed.", reasonTable);
    this.attempts = new Redrawn("No attempts yet.", attemptTable);
    this.element = h("div", {},
      section("Progress", this.bar.element, this.figures.element, this.speed),
      section("Messages per minute", this.chart.element),
      h("div", { class: "columns" },
        section("Reasons", this.reasons.element), section("Attempts", this.attempts.element)));
  }

  /**
   * @param {MailingStatistics} statistics
   * @param {Mailing} mailing
   */
  update(statistics, mailing) {
    this.bar.update(statistics.by_status);
    this.figures.update(statistics.by_status, statistics.total);
    this.chart.update(statistics.per_minute);
    setText(this.speed, describeSpeed(statistics, mailing.expanding));
    this.reasons.update(statistics.reasons);
    const outcomes = Object.entries(statistics.attempts.by_outcome).sort((one, other) => other[1] - one[1]);
    this.attempts.update(outcomes.length ? [...outcomes, ["total", statistics.attempts.total]] : []);
  }
}

/**
 * A table that is drawn again where its items have changed; there is nothing in it to click.
 * @template Item
 */
class Redrawn {
  /**
   * @param {string} empty
   * @param {(items: Item[]) => HTMLElement} draw
   */
  constructor(empty, draw) {
    this.draw = draw;
    this.drawn = "[]";
    this.element = h("div", {}, h("p", { class: "empty" }, empty));
  }

  /** @param {Item[]} items */
  update(items) {
    const key = JSON.stringify(items);
    if (items.length && key !== this.drawn) {
      this.drawn = key;
      setChildren(this.element, this.draw(items));
    }
  }
}

/** @param {Reason[]} reasons */
function reasonTable(reasons) {
  const rows = reasons.map(({ status, reason, count }) => h("tr", {},
    h("td", {}, new Badge(status).element), h("td", {}, reason), numberCell(formatCount(count))));
  return table("Reasons", ["Status", "Reason", ["Messages", "number"]], rows);
}

/** @param {Array<[outcome: string, count: number]>} outcomes The last one is the total. */
function attemptTable(outcomes) {
  const rows = outcomes.map(([outcome, count]) => h("tr", {}, h("td", {}, outcome), numberCell(formatCount(count))));
  rows.at(-1)?.classList.add("sum");
  return table("Attempts", ["Outcome", ["Attempts", "number"]], rows);
}

/**
 * @param {MailingStatistics} statistics
 * @param {boolean} expanding
 */
function describeSpeed({ status, rate, eta }, expanding) {
  const growing = expanding ? "Recipients are still being added. " : "";
  if (status === "scheduled") {
    return "The mailing has not started yet.";
  }
  if (status === "paused") {
    return `${growing}The mailing is paused: nothing is sent.`;
  }
  if (status !== "running") {
    return "";
  }
  const left = eta === null ? "time left unknown" : `${formatDuration(eta)} left`;
  return `${growing}${formatRate(rate)} over the last minutes, ${left}.`;
}
