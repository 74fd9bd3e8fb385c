/** Says how a file is written, and what its phones need. */

/** @import { ImportInspection } from "api-types" */
/** @import { Child } from "../shared/elements.js" */

import { definitions, h, numberCell, table } from "../shared/elements.js";
import { faultCell } from "../shared/problems.js";
import { formatCount, say, sayCount } from "../shared/words/language.js";
import { upload } from "../shared/upload.js";

// So much of a file is looked at.
const INSPECTED_BYTES = 4 * 1024 * 1024;
/** @type {Record<ImportInspection["delimiter"], string>} */
const DELIMITERS = { comma: say("comma"), semicolon: say("semicolon"), tab: say("tabulator") };

/**
 * Has the beginning of a file looked at.
 * @param {File} file
 * @param {AbortSignal} signal
 * @returns {Promise<ImportInspection>}
 */
export function inspect(file, signal) {
  return upload("clients/import/inspect", {}, file.slice(0, INSPECTED_BYTES), "text/csv", signal, () => {});
}

/**
 * @param {ImportInspection} inspected
 * @returns {Child}
 */
export function fileFacts({ encoding, delimiter, rows, uneven, unreadable, complete, phones }) {
  const refused = phones.refused.map(({ detail, count }) => h("tr", {},
    faultCell(detail), numberCell(formatCount(count))));
  return [
    h("dl", { class: "plan" }, definitions([
      [say("encoding"), encoding], [say("delimiter"), DELIMITERS[delimiter]],
      [say("rows"), complete ? formatCount(rows) : sayCount("rows_of_beginning", rows)],
    ])),
    h("dl", { class: "figures" }, definitions([
      [say("phones_as_is"), formatCount(phones.as_is)], [say("phones_repairable"), formatCount(phones.repairable)],
      [say("phones_empty"), formatCount(phones.empty)], [say("phones_repeated"), formatCount(phones.repeated)],
    ])),
    uneven + unreadable > 0 && h("p", { class: "note" }, sayCount("rows_uneven", uneven + unreadable)),
    refused.length > 0 && [
      h("h3", {}, say("phones_refused")),
      table(say("phones_refused"), [say("reason"), [say("rows"), "number"]], refused)],
  ];
}
