/** Puts the phones of a file on the stop list: drop, say what its columns hold, add. */

/** @import { SuppressionImport } from "api-types" */

import { ColumnMap, REASONS } from "../import/column_map.js";
import { fileFacts, inspect } from "../import/file_facts.js";
import { refusedLines } from "../import/report.js";
import { openDialog } from "../shared/dialog.js";
import { button, definitions, h, setChildren } from "../shared/elements.js";
import { checkbox } from "../shared/forms/fields.js";
import { FileDrop } from "../shared/forms/file_drop.js";
import { expected, problemBox, showProblem, whileBusy } from "../shared/problems.js";
import { upload } from "../shared/upload.js";
import { formatCount, say } from "../shared/words/language.js";

/**
 * Opens the dialog.
 * @param {() => void} reload Called when the list has more entries.
 * @param {AbortSignal} signal
 */
export function addFile(reload, signal) {
  const box = problemBox();
  const steps = h("div", { "aria-live": "polite" });
  const drop = new FileDrop(say("file"), say("stop_file_hint"), ".csv,.txt,text/csv", async (file) => {
    setChildren(box);
    setChildren(steps);
    try {
      await begin(file, drop, steps, reload, signal);
    } catch (error) {
      showProblem(box, expected(error));
    }
  });
  openDialog(say("add_file"), (close) => [
    drop.element, box, steps, h("footer", {}, button(say("close"), close, { class: "secondary" })),
  ], signal);
}

/**
 * @param {File} file
 * @param {FileDrop} drop
 * @param {HTMLElement} steps
 * @param {() => void} reload
 * @param {AbortSignal} signal
 */
async function begin(file, drop, steps, reload, signal) {
  const inspected = await inspect(file, signal);
  const map = new ColumnMap(inspected, REASONS);
  const repair = checkbox(say("repair_phones"), inspected.proposal.phones === "repair");
  const box = problemBox();
  const result = h("div", { class: "below" });
  const submit = h("button", { type: "submit" }, say("stop_these"));
  const form = h("form", { novalidate: true }, fileFacts(inspected), map.element, repair.element, box, submit);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    whileBusy(submit, box, async () => {
      const { encoding, delimiter, header } = inspected.proposal;
      const query = { encoding, delimiter, header, map: map.value, phones: repair.input.checked ? "repair" : "strict" };
      /** @type {SuppressionImport} */
      const report = await drop.sending(file, (progress) => (
        upload("suppressions/import", query, file, "text/csv", signal, progress)));
      setChildren(result, h("dl", { class: "figures" }, definitions([
        [say("stop_added"), formatCount(report.added)], [say("stop_present"), formatCount(report.present)],
        [say("import_repeated"), formatCount(report.repeated)], [say("import_rejected"), formatCount(report.rejected)],
      ])), refusedLines(report.rejected, report.errors));
      reload();
    });
  });
  setChildren(steps, form, result);
}
