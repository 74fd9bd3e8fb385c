/** Shows everything that the statistics stream sends. */

/** @import { Mailing, MailingStatistics, Reason } from "api-types" */
/** @import { Delivery } from "./delivery.js" */

import { button, h, numberCell, section, setChildren, setText, table } from "../shared/elements.js";
import { formatDuration, formatRate } from "../shared/format.js";
import { Badge, StatusBar, StatusFigures } from "../shared/status_counts.js";
import { describeReason, formatCount, say, sayCount, sayOf, sentences } from "../shared/words/language.js";
import { Chart, MINUTES } from "./chart.js";
import { DeliverySection } from "./delivery.js";

export class LiveFigures {
  /**
   * @param {number} mailingId
   * @param {object} on What is called when the messages with a reason or a delivery are asked for, and when the
   *   undelivered are to be sent again.
   * @param {(reason: Reason) => void} on.onreason
   * @param {(delivery: Delivery) => void} on.ondelivery
   * @param {(() => unknown) | null} on.onresend
   * @param {AbortSignal} signal
   */
  constructor(mailingId, { onreason, ondelivery, onresend }, signal) {
    this.bar = new StatusBar();
    this.figures = new StatusFigures();
    this.speed = h("p", { class: "hint" });
    this.delivery = new DeliverySection(mailingId, ondelivery, onresend, signal);
    this.chart = new Chart(MINUTES, signal);
    this.reasons = new Redrawn(say("none_failed"), (/** @type {Reason[]} */ reasons) => reasonTable(reasons, onreason));
    this.attempts = new Redrawn(say("no_attempts"), attemptTable);
    this.element = h("div", {},
      section(say("progress"), this.bar.element, this.figures.element, this.speed),
      this.delivery.element, section(say("per_minute"), this.chart.element),
      h("div", { class: "columns" },
        section(say("reasons"), this.reasons.element), section(say("attempts"), this.attempts.element)));
  }

  /**
   * @param {MailingStatistics} statistics
   * @param {Mailing} mailing
   */
  update(statistics, mailing) {
    this.bar.update(statistics.by_status);
    this.figures.update(statistics.by_status, statistics.total);
    this.delivery.update(statistics, mailing);
    this.chart.update(statistics.per_minute);
    setText(this.speed, describeSpeed(statistics, mailing.expanding));
    this.reasons.update(statistics.reasons);
    this.reasons.explain(describeNone(statistics));
    const outcomes = Object.entries(statistics.attempts.by_outcome).sort((one, other) => other[1] - one[1]);
    this.attempts.update(outcomes.length ? [...outcomes, ["total", statistics.attempts.total]] : []);
  }
}

/**
 * A table that is drawn again where its items have changed.
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
    this.empty = h("p", { class: "empty" }, empty);
    this.element = h("div", {}, this.empty);
  }

  /**
   * Sets what is shown while there are no items.
   * @param {string} text
   */
  explain(text) {
    setText(this.empty, text);
  }

  /** @param {Item[]} items */
  update(items) {
    const key = JSON.stringify(items);
    if (key !== this.drawn) {
      this.drawn = key;
      setChildren(this.element, items.length ? this.draw(items) : this.empty);
    }
  }
}

/**
 * Describes why there are no reasons: attempts that failed are made again, and are no failed messages yet.
 * @param {MailingStatistics} statistics
 */
function describeNone({ status, attempts, by_status: counts, total }) {
  if (total > 0 && counts.cancelled === total) {
    return say("all_cancelled");
  }
  const failed = attempts.total - (attempts.by_outcome.accepted ?? 0);
  return failed > 0 && status !== "finished" ? sayCount("none_failed_yet", failed) : say("none_failed");
}

/**
 * @param {Reason[]} reasons
 * @param {(reason: Reason) => void} onreason
 */
function reasonTable(reasons, onreason) {
  const rows = reasons.map((one) => h("tr", {},
    h("td", {}, new Badge("status", one.status).element),
    h("td", {}, button(describeReason(one.reason), () => onreason(one), { class: "link", title: say("show_these") })),
    numberCell(formatCount(one.count))));
  return table(say("reasons"), [say("status"), say("reason"), [say("messages"), "number"]], rows);
}

/** @param {Array<[outcome: string, count: number]>} outcomes The last one is the total. */
function attemptTable(outcomes) {
  const rows = outcomes.map(([outcome, count]) => h("tr", {},
    h("td", {}, sayOf("outcome", outcome)), numberCell(formatCount(count))));
  rows.at(-1)?.classList.add("sum");
  return table(say("attempts"), [say("outcome"), [say("attempts"), "number"]], rows);
}

/**
 * @param {MailingStatistics} statistics
 * @param {boolean} expanding
 */
function describeSpeed({ status, rate, eta }, expanding) {
  if (status !== "running") {
    return "";
  }
  const growing = expanding ? say("still_adding") : null;
  const speed = eta === null ? say("speed_unknown", { rate: formatRate(rate) })
    : say("speed_left", { rate: formatRate(rate), duration: formatDuration(eta) });
  return sentences(growing, speed);
}
