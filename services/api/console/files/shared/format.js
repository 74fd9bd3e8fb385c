/** Formats numbers, moments and durations. */

import { h } from "./elements.js";

/** The time zone of the browser. */
export const HOME_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

const COUNT = new Intl.NumberFormat("en");
const MOMENT = new Intl.DateTimeFormat("en-GB", {
  day: "2-digit", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
});
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** @param {number} value */
export function formatCount(value) {
  return COUNT.format(value);
}

/**
 * Formats a number with its noun: "1 client", "2,000 clients".
 * @param {number} value
 * @param {string} noun
 */
export function formatCountOf(value, noun) {
  return `${formatCount(value)} ${value === 1 ? noun : `${noun}s`}`;
}

/** @param {number} perSecond */
export function formatRate(perSecond) {
  return `${perSecond >= 100 ? formatCount(Math.round(perSecond)) : perSecond.toFixed(1)}/s`;
}

/**
 * Formats seconds in their two largest units: "2 h 5 min".
 * @param {number} seconds
 */
export function formatDuration(seconds) {
  const whole = Math.round(seconds);
  /** @type {Array<[amount: number, unit: string]>} */
  const parts = [[Math.floor(whole / 86400), "d"], [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "min"], [whole % 60, "s"]];
  const first = parts.findIndex(([amount]) => amount > 0);
  if (first < 0) {
    return "0 s";
  }
  return parts.slice(first, first + 2).filter(([amount]) => amount > 0).map((part) => part.join(" ")).join(" ");
}

/**
 * Makes an element with a moment in the browser's time zone, and in UTC where the pointer rests.
 * @param {string | null} iso
 */
export function timeElement(iso) {
  return iso === null ? "–" : h("time", { datetime: iso, title: iso }, MOMENT.format(new Date(iso)).replace(",", ""));
}

/**
 * Formats the time of day, in the browser's time zone.
 * @param {number} at Milliseconds since 1970.
 */
export function formatClock(at) {
  return CLOCK.format(new Date(at));
}

/** @param {number} size */
export function formatBytes(size) {
  return size < 1e6 ? `${formatCount(Math.ceil(size / 1e3))} kB` : `${(size / 1e6).toFixed(1)} MB`;
}
