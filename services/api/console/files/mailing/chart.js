/** What became final, minute by minute. */

import uPlot from "../vendor/uPlot.esm.js";
import { fill, h, number, say, table } from "../shared/elements.js";
import { count, several } from "../shared/format.js";

const MINUTE = 60;
const SHORTEST = 10 * MINUTE;
const HEIGHT = 200;
const IN_TABLE = 60;
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit" });

/** A chart of statistics' per_minute, for as long as the signal is not aborted. */
export class Chart {
  constructor(signal) {
    this.minutes = [];
    this.plot = null;
    this.canvas = h("div", { class: "chart", role: "img", "aria-label": "Messages a minute" });
    this.caption = h("p", { class: "hint" });
    this.empty = h("p", { class: "empty" }, "No message is final yet.");
    this.rows = h("details", { hidden: true, ontoggle: () => this.list() },
      h("summary", {}, "As a table"), h("div", {}));
    this.element = h("div", {}, this.empty, this.canvas, this.caption, this.rows);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", () => this.draw(), { signal });
    const observer = new ResizeObserver(() => this.plot?.setSize(this.size()));
    observer.observe(this.canvas);
    signal.addEventListener("abort", () => {
      observer.disconnect();
      this.plot?.destroy();
    });
  }

  /** @param {Array<{at: string, sent: number, failed: number}>} minutes */
  update(minutes) {
    const same = minutes.length === this.minutes.length && JSON.stringify(minutes.at(-1)) === this.last
      && JSON.stringify(minutes.at(-2)) === this.beforeLast;
    if (same) {
      return;
    }
    this.minutes = minutes;
    this.last = JSON.stringify(minutes.at(-1));
    this.beforeLast = JSON.stringify(minutes.at(-2));
    this.empty.hidden = true;
    this.rows.hidden = false;
    this.plot === null ? this.draw() : this.plot.setData(this.data());
    this.describe();
    this.list();
  }

  draw() {
    if (!this.minutes.length) {
      return;
    }
    this.plot?.destroy();
    this.plot = new uPlot(this.options(), this.data(), this.canvas);
  }

  size() {
    return { width: Math.max(this.canvas.clientWidth, 200), height: HEIGHT };
  }

  /** A value for each minute, also for those in which nothing happened: sent and failed, and sent in front of them. */
  data() {
    const known = new Map(this.minutes.map((minute) => [Date.parse(minute.at) / 1000, minute]));
    const first = Date.parse(this.minutes[0].at) / 1000;
    const last = Date.parse(this.minutes.at(-1).at) / 1000;
    const at = Array.from({ length: (last - first) / MINUTE + 1 }, (_, index) => first + index * MINUTE);
    const found = at.map((moment) => known.get(moment) ?? { sent: 0, failed: 0 });
    return [at, found.map(({ sent, failed }) => sent + failed), found.map(({ sent }) => sent)];
  }

  options() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const bars = uPlot.paths.bars({ size: [0.8, 40], align: 1 });
    const series = (name) => ({ paths: bars, fill: colour(name), width: 0, points: { show: false } });
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--rule"), width: 1 }, ticks: { show: false } };
    return {
      ...this.size(),
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      scales: {
        x: { range: (_, min, max) => [min, Math.max(max + MINUTE, min + SHORTEST)] },
        y: { range: (_, min, max) => [0, Math.max(max * 1.1, 1)] },
      },
      series: [{}, series("--failed"), series("--sent")],
      axes: [
        { ...axis, space: 70, size: 30, values: (plot, splits) => splits.map((at) => this.clock(at, plot)) },
        { ...axis, size: 60, incrs: [1, 2, 5].flatMap((step) => [0, 1, 2, 3, 4, 5, 6].map((n) => step * 10 ** n))
          .sort((one, other) => one - other), values: (_, splits) => splits.map(count) },
      ],
      hooks: { setCursor: [(plot) => this.point(plot.cursor.idx)] },
    };
  }

  clock(at, plot) {
    const long = plot.scales.x.max - plot.scales.x.min > 86_400;
    return (long ? DAY : CLOCK).format(new Date(at * 1000));
  }

  /** Say the figures of the minute under the pointer, else of all. */
  point(index) {
    const data = this.plot?.data;
    if (!data || index === null || index === undefined || data[0][index] === undefined) {
      this.describe();
      return;
    }
    const [at, all, sent] = data.map((values) => values[index]);
    say(this.caption, `${DAY.format(new Date(at * 1000))}: ${count(sent)} sent, ${count(all - sent)} failed`);
  }

  describe() {
    const sent = this.minutes.reduce((sum, minute) => sum + minute.sent, 0);
    const failed = this.minutes.reduce((sum, minute) => sum + minute.failed, 0);
    const text = `${count(sent)} sent and ${count(failed)} failed in ${several(this.minutes.length, "minute")}.`;
    say(this.caption, text);
    this.canvas.setAttribute("aria-label", `Messages a minute: ${text}`);
  }

  list() {
    if (!this.rows.open) {
      return;
    }
    const rows = this.minutes.slice(-IN_TABLE).reverse().map(({ at, sent, failed }) => h("tr", {},
      h("td", {}, DAY.format(new Date(at))), number(count(sent)), number(count(failed))));
    fill(this.rows.lastElementChild,
      table(`The last ${IN_TABLE} minutes`, ["Minute", ["Sent", "number"], ["Failed", "number"]], rows));
  }
}
