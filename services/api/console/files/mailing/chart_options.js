/** How a chart looks. */

/** @import uPlot from "uplot" */

import { LOCALE, formatCount } from "../shared/words/language.js";
import Plot from "../vendor/uPlot.esm.js";

const HOUR_SECONDS = 3600;
const FEWEST_PERIODS = 10;
const DAY_SECONDS = 86_400;
// Whole numbers alone: there is no half of a message.
const STEPS = [0, 1, 2, 3, 4, 5, 6].flatMap((power) => [1, 2, 5].map((step) => step * 10 ** power));
const CLOCK = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(LOCALE, { day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit" });

/**
 * Formats a minute with its day.
 * @param {number} at Seconds since 1970.
 */
export function formatMinute(at) {
  return DAY.format(new Date(at * 1000));
}

/**
 * Returns the options of the chart, in the colours of the page.
 * @param {(index: number | null | undefined) => void} point Called with the period under the pointer.
 * @param {number} seconds The length of a period.
 * @param {number} [hours] The span of a chart that ends now.
 * @returns {Omit<uPlot.Options, "width" | "height">}
 */
export function chartOptions(point, seconds, hours) {
  const style = getComputedStyle(document.documentElement);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  const paths = Plot.paths.bars?.({ size: [0.8, 40], align: 1 });
  const series = (/** @type {string} */ fill) => ({ paths, fill: colour(fill), width: 0, points: { show: false } });
  const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--rule"), width: 1 }, ticks: { show: false } };
  return {
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: {
      x: { range: (plot) => timeRange(plot, seconds, hours) },
      y: { range: (_, _min, max) => [0, Math.max(max * 1.1, 1)] },
    },
    series: [{}, series("--failed"), series("--sent")],
    axes: [
      { ...axis, space: 70, size: 30, values: timeLabels },
      { ...axis, size: 60, incrs: STEPS, values: (_, splits) => splits.map(formatCount) },
    ],
    hooks: { setCursor: [(plot) => point(plot.cursor.idx)] },
  };
}

/**
 * Returns the span of the time axis, from the data itself: what uPlot would pass for a single minute spans years.
 * @param {uPlot} plot
 * @param {number} seconds
 * @param {number | undefined} hours
 * @returns {[from: number, to: number]}
 */
function timeRange(plot, seconds, hours) {
  if (hours !== undefined) {
    const now = Date.now() / 1000;
    return [now - hours * HOUR_SECONDS, now];
  }
  const [times] = plot.data;
  const first = times[0] ?? 0;
  const last = times[times.length - 1] ?? 0;
  return [first, Math.max(last + seconds, first + FEWEST_PERIODS * seconds)];
}

/**
 * Returns the labels of the time axis: with the day where more than one day is shown.
 * @param {uPlot} plot
 * @param {number[]} splits
 */
function timeLabels(plot, splits) {
  const { min = 0, max = 0 } = plot.scales.x ?? {};
  const format = (max ?? 0) - (min ?? 0) > DAY_SECONDS ? DAY : CLOCK;
  return splits.map((at) => format.format(new Date(at * 1000)));
}
