/** What an import did, with the refused lines as a file to mend and send again. */

/** @import { ImportReport } from "api-types" */
/** @import { Child } from "../shared/elements.js" */

import { button, definitions, h, numberCell, table } from "../shared/elements.js";
import { faultCell } from "../shared/problems.js";
import { formatCount, say, sayCount } from "../shared/words/language.js";

/**
 * @param {ImportReport} found
 * @returns {Child}
 */
export function reportOf(found) {
  const { rejected, errors, refused_csv: refused, refused_left_out: leftOut } = found;
  const counts = definitions([
    [say("import_created"), formatCount(found.created)], [say("import_updated"), formatCount(found.updated)],
    [say("import_unchanged"), formatCount(found.unchanged)], [say("import_skipped"), formatCount(found.skipped)],
    [say("import_repeated"), formatCount(found.repeated)], [say("import_rejected"), formatCount(rejected)],
  ]);
  return [
    h("dl", { class: "figures" }, counts),
    refused && h("p", { class: "actions" },
      button(say("download_refused"), () => saveText(refused, "refused.csv"), { class: "small outline" }),
      leftOut > 0 && h("span", { class: "hint" }, sayCount("refused_left_out", leftOut))),
    refusedLines(rejected, errors),
  ];
}

/**
 * Makes a table of refused lines, where there are any.
 * @param {number} rejected
 * @param {Array<{line: number, detail: string}>} errors
 * @returns {Child}
 */
export function refusedLines(rejected, errors) {
  const rows = errors.map(({ line, detail }) => h("tr", {},
    numberCell(formatCount(line)), faultCell(detail)));
  const title = rejected > errors.length ? sayCount("first_rejected", errors.length) : say("rejected_lines");
  return rows.length > 0 && [h("h3", {}, title), table(title, [[say("line"), "number"], say("error")], rows)];
}

/**
 * Saves a text as a file. A spreadsheet knows its encoding by the mark in front.
 * @param {string} text
 * @param {string} name
 */
function saveText(text, name) {
  const url = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv" }));
  h("a", { href: url, download: name }).click();
  // The browser has begun to save it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
