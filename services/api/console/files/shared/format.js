/** How numbers, moments and durations are written. */

import { h } from "./elements.js";

export const HOME_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

const COUNT = new Intl.NumberFormat("en");
const MOMENT = new Intl.DateTimeFormat("en-GB", {
  day: "2-digit", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
});
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

export function count(value) {
  return COUNT.format(value);
}

/** A noun with its number: "1 client", "2,000 clients". */
export function several(value, one, many = `${one}s`) {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Messages a second. */
export function rate(value) {
  return `${value >= 100 ? count(Math.round(value)) : value.toFixed(1)}/s`;
}

/** Seconds, in the two largest units. */
export function duration(seconds) {
  const whole = Math.round(seconds);
  const parts = [[Math.floor(whole / 86400), "d"], [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "min"], [whole % 60, "s"]];
  const first = parts.findIndex(([amount]) => amount > 0);
  if (first < 0) {
    return "0 s";
  }
  return parts.slice(first, first + 2).filter(([amount]) => amount > 0).map((part) => part.join(" ")).join(" ");
}

export function moment(iso) {
  return MOMENT.format(new Date(iso)).replace(",", "");
}

/** A moment in the browser's zone; in UTC where the pointer rests. */
export function time(iso) {
  return iso === null ? "–" : h("time", { datetime: iso, title: iso }, moment(iso));
}

/** The time of day of milliseconds since 1970. */
export function clock(at) {
  return CLOCK.format(new Date(at));
}

export function bytes(amount) {
  return amount < 1e6 ? `${count(Math.ceil(amount / 1e3))} kB` : `${(amount / 1e6).toFixed(1)} MB`;
}
