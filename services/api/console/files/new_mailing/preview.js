/** Shows whom a mailing would reach. */

/** @import { Client, Preview } from "api-types" */
/** @import { Child } from "../shared/elements.js" */

import { definitions, h, numberCell, section, table } from "../shared/elements.js";
import { formatCount, formatCountOf } from "../shared/format.js";

const MOST_ROWS = 8;

/** @param {Preview} preview */
export function previewSection(preview) {
  const { recipients, reachable, unreachable, sms_segments: segments } = preview;
  return section("Preview",
    h("dl", { class: "figures" }, definitions([
      ["recipients", formatCount(recipients)], ["reachable", formatCount(reachable)],
      ["unreachable", formatCount(unreachable)], ["SMS segments", formatCount(segments)]])),
    recipients === 0 && h("p", { class: "note" }, "No client matches. The mailing would finish at once."),
    unreachable > 0 && h("p", { class: "note" },
      `${formatCountOf(unreachable, "client")} cannot be reached: the window is closed for them from start to end.`),
    recipients > 0 && h("div", { class: "columns" },
      countTable("By operator code", preview.by_operator_code),
      countTable("By tag", preview.by_tag)),
    preview.sample.length > 0 && sampleTable(preview.sample));
}

/**
 * Makes a table of the largest counts.
 * @param {string} title
 * @param {Record<string, number>} counts
 */
function countTable(title, counts) {
  const all = Object.entries(counts).sort((one, other) => other[1] - one[1]);
  const rows = all.slice(0, MOST_ROWS).map(([value, count]) => h("tr", {},
    h("td", {}, value || "(no tag)"), numberCell(formatCount(count))));
  return h("div", {}, h("h3", {}, title), table(title, ["Value", ["Clients", "number"]], rows),
    all.length > MOST_ROWS && h("p", { class: "hint" }, `and ${formatCount(all.length - MOST_ROWS)} more`));
}

/**
 * @param {Client[]} clients
 * @returns {Child}
 */
function sampleTable(clients) {
  const rows = clients.map(({ phone, operator_code: code, tag, timezone }) => h("tr", {},
    h("td", {}, phone), h("td", {}, code), h("td", {}, tag), h("td", {}, timezone)));
  return [
    h("h3", {}, "Sample"),
    table("Sample clients", ["Phone", "Operator code", "Tag", "Time zone"], rows),
  ];
}
