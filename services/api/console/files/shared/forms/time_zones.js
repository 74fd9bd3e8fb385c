/** Converts local times of a time zone to moments and back. */

import { HOME_ZONE } from "../format.js";
import { say } from "../words/language.js";

const DAY_MS = 86_400_000;

/** Returns the names of all zones that the browser knows, its own and UTC first. */
export function zoneNames() {
  return [...new Set([HOME_ZONE, "UTC", ...Intl.supportedValuesOf("timeZone")])];
}

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/** @param {string} zone */
function formatOf(zone) {
  const known = formats.get(zone);
  if (known) {
    return known;
  }
  const made = new Intl.DateTimeFormat("en-US", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric",
    hour: "numeric", minute: "numeric", second: "numeric",
  });
  formats.set(zone, made);
  return made;
}

/**
 * Returns the zone's offset from UTC at a moment. Both are in milliseconds.
 * @param {string} zone
 * @param {number} at
 */
function offsetAt(zone, at) {
  const parts = formatOf(zone).formatToParts(at);
  const part = (/** @type {string} */ type) => Number(parts.find((one) => one.type === type)?.value);
  const local = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
  return local - Math.floor(at / 1000) * 1000;
}

/**
 * Reads a local time such as 2035-01-31T18:00 in a zone. The moment is in ISO 8601 with its offset, and null for a time
 * that the clocks leave out; the note is a sentence where the clocks change.
 * @param {string} local
 * @param {string} zone
 * @returns {{moment: string | null, note: string}}
 */
export function toMoment(local, zone) {
  const naive = Date.parse(`${local}Z`);
  const offsets = [...new Set([offsetAt(zone, naive - DAY_MS), offsetAt(zone, naive + DAY_MS)])];
  const fits = offsets.filter((offset) => offsetAt(zone, naive - offset) === offset);
  if (!fits.length) {
    return { moment: null, note: say("time_skipped") };
  }
  const note = fits.length > 1 ? say("time_twice") : "";
  const full = local.length === 16 ? `${local}:00` : local;
  return { moment: full + formatOffset(Math.max(...fits)), note };
}

/** @param {number} offset */
function formatOffset(offset) {
  const minutes = Math.abs(offset) / 60_000;
  const twoDigits = (/** @type {number} */ value) => String(value).padStart(2, "0");
  return `${offset < 0 ? "-" : "+"}${twoDigits(Math.floor(minutes / 60))}:${twoDigits(minutes % 60)}`;
}

/**
 * Formats a moment as an input of local times takes it, to the minute.
 * @param {string} iso
 * @param {string} zone
 */
export function toLocal(iso, zone) {
  const at = Date.parse(iso);
  return new Date(at + offsetAt(zone, at)).toISOString().slice(0, 16);
}
