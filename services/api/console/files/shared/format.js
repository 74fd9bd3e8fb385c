/** Formats numbers, moments and durations. */

/** @import { Window } from "api-types" */
/** @import { Word } from "./words/language.js" */

import { h } from "./elements.js";
import { LOCALE, say } from "./words/language.js";

/** The time zone of the browser. */
export const HOME_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

const TENTHS = new Intl.NumberFormat(LOCALE, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const MOMENT = new Intl.DateTimeFormat(LOCALE, {
  day: "2-digit", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
});
const SHORT_WITH_YEAR = new Intl.DateTimeFormat(LOCALE, {
  day: "2-digit", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit",
});
const SHORT = new Intl.DateTimeFormat(LOCALE, { day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit" });
const CLOCK = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** @type {Window["days"]} The days of the week, as the API names them. */
export const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const WEEKDAY = new Intl.DateTimeFormat(LOCALE, { weekday: "short", timeZone: "UTC" });
const A_MONDAY = Date.UTC(2024, 0, 1);
const DAY_MS = 86_400_000;

/**
 * Returns the short name of a day of the week.
 * @param {Window["days"][number]} day
 */
export function weekdayName(day) {
  return WEEKDAY.format(A_MONDAY + WEEKDAYS.indexOf(day) * DAY_MS);
}

/** @param {number} perSecond */
export function formatRate(perSecond) {
  return say("per_second", { count: perSecond >= 100 ? Math.round(perSecond) : TENTHS.format(perSecond) });
}

/**
 * Formats seconds in their two largest units: "2 h 5 min".
 * @param {number} seconds
 */
export function formatDuration(seconds) {
  const whole = Math.round(seconds);
  /** @type {Array<[amount: number, unit: Word]>} */
  const parts = [[Math.floor(whole / 86400), "days"], [Math.floor(whole / 3600) % 24, "hours"],
    [Math.floor(whole / 60) % 60, "minutes"], [whole % 60, "seconds"]];
  const first = parts.findIndex(([amount]) => amount > 0);
  if (first < 0) {
    return say("seconds", { count: 0 });
  }
  const shown = parts.slice(first, first + 2).filter(([amount]) => amount > 0);
  return shown.map(([count, unit]) => say(unit, { count })).join(" ");
}

/**
 * Makes an element with a moment to the minute in the browser's time zone, and in UTC where the pointer rests. The year
 * is there where it is another than the present one.
 * @param {string | null} iso
 */
export function timeElement(iso) {
  if (iso === null) {
    return "–";
  }
  const at = new Date(iso);
  const format = at.getFullYear() === new Date().getFullYear() ? SHORT : SHORT_WITH_YEAR;
  return h("time", { datetime: iso, title: iso }, format.format(at));
}

/**
 * Makes an element with a moment to the second, where the order of things that happened matters.
 * @param {string | null} iso
 */
export function exactTimeElement(iso) {
  return iso === null ? "–" : h("time", { datetime: iso, title: iso }, MOMENT.format(new Date(iso)).replace(",", ""));
}

/**
 * Formats a moment with its year, in the browser's time zone.
 * @param {string} iso
 */
export function formatWholeMoment(iso) {
  return MOMENT.format(new Date(iso));
}

/**
 * Formats a moment for a sentence, to the minute, in the browser's time zone.
 * @param {string} iso
 */
export function formatMoment(iso) {
  return SHORT.format(new Date(iso));
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
  return size < 1e6 ? say("kilobytes", { count: Math.ceil(size / 1e3) })
    : say("megabytes", { count: TENTHS.format(size / 1e6) });
}
