/** The dialog that imports a file of clients. */

/** @import { ImportReport } from "api-types" */
/** @import { Child } from "../shared/elements.js" */

import { openDialog } from "../shared/dialog.js";
import { button, definitions, h, numberCell, setChildren, setText, table } from "../shared/elements.js";
import { field, select } from "../shared/fields.js";
import { formatBytes, formatCount } from "../shared/format.js";
import { problemBox, showProblem, whileBusy } from "../shared/problems.js";
import { upload } from "./upload.js";

/**
 * Opens the dialog. Closing it stops the upload.
 * @param {() => void} reload Called when clients may have changed.
 * @param {AbortSignal} signal
 */
export function importClients(reload, signal) {
  const box = problemBox();
  const report = h("div", { "aria-live": "polite" });
  const file = h("input", { type: "file", accept: ".csv,.ndjson,.jsonl,text/csv,application/x-ndjson" });
  const conflict = select([["update", "Update the client"], ["skip", "Skip the line"]], "update");
  const running = new AbortController();
  const dialog = openDialog("Import clients", (close) => {
    const submit = h("button", { type: "submit" }, "Import");
    const form = h("form", { novalidate: true },
      field("file", "File", file, "CSV with the header phone,operator_code,tag,timezone, or NDJSON."),
      field("on_conflict", "If the phone exists already", conflict), box, report,
      h("footer", {}, button("Close", close, { class: "secondary" }), submit));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const chosen = file.files?.[0];
      setChildren(report);
      if (chosen === undefined) {
        showProblem(box, new Error("Choose a file."));
        return;
      }
      whileBusy(submit, box, () => importFile(chosen, conflict.value, report, running.signal).finally(reload));
    });
    return form;
  }, signal);
  dialog.addEventListener("close", () => running.abort());
}

/**
 * @param {File} file
 * @param {string} conflict
 * @param {HTMLElement} report
 * @param {AbortSignal} signal
 */
async function importFile(file, conflict, report, signal) {
  const bar = h("progress", { max: 1, "aria-label": "Uploaded" });
  const text = h("p", { class: "hint" });
  setChildren(report, bar, text);
  try {
    const found = await upload(file, conflict, signal, (sent) => {
      bar.value = sent / file.size;
      const share = `${formatBytes(sent)} of ${formatBytes(file.size)}`;
      setText(text, sent < file.size ? share : "Uploaded. The last lines are being stored.");
    });
    setChildren(report, reportOf(found));
  } catch (error) {
    setChildren(report);
    throw error;
  }
}

/**
 * @param {ImportReport} found
 * @returns {Child}
 */
function reportOf({ created, updated, unchanged, skipped, repeated, rejected, errors }) {
  const counts = definitions([
    ["created", formatCount(created)], ["updated", formatCount(updated)], ["unchanged", formatCount(unchanged)],
    ["skipped", formatCount(skipped)], ["repeated", formatCount(repeated)], ["rejected", formatCount(rejected)],
  ]);
  const rows = errors.map(({ line, detail }) => h("tr", {}, numberCell(formatCount(line)), h("td", {}, detail)));
  const title = rejected > errors.length ? `The first ${errors.length} rejected lines` : "Rejected lines";
  return [
    h("dl", { class: "figures" }, counts),
    rows.length > 0 && [h("h3", {}, title), table(title, [["Line", "number"], "Error"], rows)],
  ];
}
