/** Local times in an explicit time zone, to moments and back. */

import { HOME_ZONE } from "./format.js";

const DAY_MS = 86_400_000;

/** All zones the browser knows, the own one and UTC first. */
export function zones() {
  const all = Intl.supportedValuesOf ? Intl.supportedValuesOf("timeZone") : [];
  return [...new Set([HOME_ZONE, "UTC", ...all])];
}

const formats = new Map();

function formatOf(zone) {
  if (!formats.has(zone)) {
    formats.set(zone, new Intl.DateTimeFormat("en-US", {
      timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric",
      hour: "numeric", minute: "numeric", second: "numeric",
    }));
  }
  return formats.get(zone);
}

/** How far the zone's clocks are ahead of UTC at a moment, in milliseconds. */
function offsetAt(zone, at) {
  const parts = Object.fromEntries(formatOf(zone).formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const local = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second);
  return local - Math.floor(at / 1000) * 1000;
}

/**
 * Read a local time such as 2035-01-31T18:00 in a zone.
 * Gives {moment, note}: an ISO 8601 moment with its offset, and a sentence where clocks are changed; the moment is null
 * for a time that the clocks leave out.
 */
export function toMoment(local, zone) {
  const naive = Date.parse(`${local}Z`);
  const offsets = [...new Set([offsetAt(zone, naive - DAY_MS), offsetAt(zone, naive + DAY_MS)])];
  const fits = offsets.filter((offset) => offsetAt(zone, naive - offset) === offset);
  if (!fits.length) {
    return { moment: null, note: "The clocks are put forward then: this time does not exist in this zone." };
  }
  const offset = Math.max(...fits);
  const note = fits.length > 1 ? "The clocks are put back then: the first of the two is meant." : "";
  const full = local.length === 16 ? `${local}:00` : local;
  return { moment: full + written(offset), note };
}

function written(offset) {
  const minutes = Math.abs(offset) / 60_000;
  const two = (value) => String(value).padStart(2, "0");
  return `${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** A moment as an input of local times takes it, to the minute. */
export function toLocal(iso, zone) {
  const at = Date.parse(iso);
  return new Date(at + offsetAt(zone, at)).toISOString().slice(0, 16);
}
