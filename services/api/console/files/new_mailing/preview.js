/** Shows whom a mailing would reach. */

/** @import { Client, Preview } from "api-types" */
/** @import { Child } from "../shared/elements.js" */

import { definitions, h, numberCell, section, table } from "../shared/elements.js";
import { formatCount, say, sayCount } from "../shared/words/language.js";
import { personalPreview } from "./personal_preview.js";

const MOST_ROWS = 8;
const MOST_ZONES = 5;

/** @param {Preview} preview */
export function previewSection(preview) {
  const { recipients, reachable, unreachable, opted_out: stopped, sms_segments: segments, personal } = preview;
  return section(say("preview_title"),
    h("dl", { class: "figures" }, definitions([
      [say("recipients"), formatCount(recipients)], [say("reachable"), formatCount(reachable)],
      [say("unreachable"), formatCount(unreachable)], [say("segments"), formatCount(segments)]])),
    recipients === 0 && h("p", { class: "note" }, say("nobody")),
    unreachable > 0 && h("p", { class: "note" }, sayCount("some_unreachable", unreachable, {
      zones: zonesOf(preview.never_reachable) })),
    stopped > 0 && h("p", { class: "note" }, sayCount("some_stopped", stopped)),
    recipients > 0 && personal !== null && personalPreview(personal, preview.sample),
    recipients > 0 && h("div", { class: "columns" },
      countTable(say("by_code"), preview.by_operator_code),
      countTable(say("by_tag"), preview.by_tag)),
    preview.sample.length > 0 && personal === null && sampleTable(preview.sample));
}

/** @param {Preview["never_reachable"]} zones */
function zonesOf(zones) {
  const named = zones.slice(0, MOST_ZONES).map(({ timezone, recipients }) => (
    say("zone_count", { zone: timezone, count: recipients })));
  return [...named, ...(zones.length > MOST_ZONES ? ["…"] : [])].join(", ");
}

/**
 * Makes a table of the largest counts.
 * @param {string} title
 * @param {Record<string, number>} counts
 */
function countTable(title, counts) {
  const all = Object.entries(counts).sort((one, other) => other[1] - one[1]);
  const rows = all.slice(0, MOST_ROWS).map(([value, count]) => h("tr", {},
    h("td", {}, value || say("no_tag")), numberCell(formatCount(count))));
  return h("div", {}, h("h3", {}, title), table(title, [say("value"), [say("clients"), "number"]], rows),
    all.length > MOST_ROWS && h("p", { class: "hint" }, sayCount("and_more", all.length - MOST_ROWS)));
}

/**
 * @param {Client[]} clients
 * @returns {Child}
 */
function sampleTable(clients) {
  const rows = clients.map(({ phone, operator_code: code, tag, timezone }) => h("tr", {},
    h("td", {}, phone), h("td", {}, code), h("td", {}, tag), h("td", {}, timezone)));
  return [
    h("h3", {}, say("sample")),
    table(say("sample_clients"), [say("phone"), say("operator_code"), say("tag"), say("time_zone")], rows),
  ];
}
