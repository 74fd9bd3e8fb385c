/** Draws how many messages became final, period by period. */

/** @import uPlot from "uplot" */
/** @import { Minute } from "api-types" */
/** @import { CountedWord, Word } from "../shared/words/language.js" */

import { h, numberCell, setChildren, setText, table } from "../shared/elements.js";
import { formatCount, say, sayCount } from "../shared/words/language.js";
import { chartOptions, formatMinute } from "./chart_options.js";
import Plot from "../vendor/uPlot.esm.js";

const HEIGHT = 200;
const SMALLEST_WIDTH = 200;
const MOST_ROWS = 60;

/**
 * How long a period is, and what is said of them. With `hours`, the chart ends now and begins so many hours before.
 * @typedef {object} Periods
 * @property {number} seconds
 * @property {Word} caption
 * @property {CountedWord} sum
 * @property {CountedWord} last
 * @property {Word} head
 * @property {number} [hours]
 */

/** @type {Periods} */
export const MINUTES = {
  seconds: 60, caption: "per_minute", sum: "minutes_said", last: "last_minutes", head: "minute",
};

/** A chart of what became final in each period, until the signal is aborted. */
export class Chart {
  /**
   * @param {Periods} periods
   * @param {AbortSignal} signal
   */
  constructor(periods, signal) {
    this.periods = periods;
    /** @type {Minute[]} */
    this.minutes = [];
    /** The last two minutes as they were drawn: older ones do not change. */
    this.drawnEnd = "";
    /** @type {uPlot | null} */
    this.plot = null;
    this.canvas = h("div", { class: "chart", role: "img", "aria-label": say(periods.caption) });
    this.caption = h("p", { class: "hint" });
    this.empty = h("p", { class: "empty" }, say("none_final"));
    this.tableBox = h("div", {});
    this.details = h("details", { hidden: true, ontoggle: () => this.drawTable() },
      h("summary", {}, say("as_table")), this.tableBox);
    this.element = h("div", {}, this.empty, this.canvas, this.caption, this.details);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw(), { signal });
    const observer = new ResizeObserver(() => this.plot?.setSize(this.size()));
    observer.observe(this.canvas);
    signal.addEventListener("abort", () => {
      observer.disconnect();
      this.plot?.destroy();
    });
  }

  /** @param {Minute[]} minutes */
  update(minutes) {
    const end = JSON.stringify(minutes.slice(-2));
    if (!minutes.length || (minutes.length === this.minutes.length && end === this.drawnEnd)) {
      return;
    }
    this.minutes = minutes;
    this.drawnEnd = end;
    this.empty.hidden = true;
    this.details.hidden = false;
    if (this.plot === null) {
      this.draw();
    } else {
      this.plot.setData(dataOf(minutes, this.periods.seconds));
    }
    this.describe();
    this.drawTable();
  }

  draw() {
    if (this.minutes.length) {
      this.plot?.destroy();
      const { seconds, hours } = this.periods;
      const options = { ...chartOptions((index) => this.describePoint(index), seconds, hours), ...this.size() };
      this.plot = new Plot(options, dataOf(this.minutes, seconds), this.canvas);
    }
  }

  size() {
    return { width: Math.max(this.canvas.clientWidth, SMALLEST_WIDTH), height: HEIGHT };
  }

  /**
   * Describes the minute under the pointer, else all minutes.
   * @param {number | null | undefined} index
   */
  describePoint(index) {
    const [at, final, sent] = (this.plot?.data ?? []).map((values) => values[index ?? -1]);
    if (typeof at === "number" && typeof final === "number" && typeof sent === "number") {
      setText(this.caption, say("minute_said", { minute: formatMinute(at), sent, failed: final - sent }));
    } else {
      this.describe();
    }
  }

  describe() {
    const sent = this.minutes.reduce((sum, minute) => sum + minute.sent, 0);
    const failed = this.minutes.reduce((sum, minute) => sum + minute.failed, 0);
    const text = sayCount(this.periods.sum, this.minutes.length, { sent, failed });
    setText(this.caption, text);
    this.canvas.setAttribute("aria-label", say("chart_said", { title: say(this.periods.caption), text }));
  }

  drawTable() {
    if (!this.details.open) {
      return;
    }
    const rows = this.minutes.slice(-MOST_ROWS).reverse().map(({ at, sent, failed }) => h("tr", {},
      h("td", {}, formatMinute(secondsOf(at))), numberCell(formatCount(sent)), numberCell(formatCount(failed))));
    setChildren(this.tableBox,
      table(sayCount(this.periods.last, MOST_ROWS),
        [say(this.periods.head), [say("sent"), "number"], [say("failed"), "number"]], rows));
  }
}

/**
 * Returns a value for each period, also for those in which nothing happened: the time in seconds since 1970, final
 * messages, and sent ones, which are drawn in front.
 * @param {Minute[]} minutes
 * @param {number} step Seconds.
 * @returns {uPlot.AlignedData}
 */
function dataOf(minutes, step) {
  const known = new Map(minutes.map((minute) => [secondsOf(minute.at), minute]));
  const [first = 0] = known.keys();
  const last = secondsOf(minutes.at(-1)?.at ?? "");
  const length = (last - first) / step + 1;
  const times = Array.from({ length }, (_, index) => first + index * step);
  const found = times.map((at) => known.get(at) ?? { sent: 0, failed: 0 });
  return [times, found.map(({ sent, failed }) => sent + failed), found.map(({ sent }) => sent)];
}

/** @param {string} iso */
function secondsOf(iso) {
  return Date.parse(iso) / 1000;
}
