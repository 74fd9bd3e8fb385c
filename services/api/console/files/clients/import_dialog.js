/** The dialog that imports a file of clients. */

/** @import { ImportReport } from "api-types" */
/** @import { Child } from "../shared/elements.js" */

import { openDialog } from "../shared/dialog.js";
import { button, definitions, h, numberCell, setChildren, setText, table } from "../shared/elements.js";
import { field, select } from "../shared/forms/fields.js";
import { formatBytes } from "../shared/format.js";
import { problemBox, showProblem, whileBusy } from "../shared/problems.js";
import { upload } from "./upload.js";
import { formatCount, say, sayCount } from "../shared/words/language.js";

/**
 * Opens the dialog. Closing it stops the upload.
 * @param {() => void} reload Called when clients may have changed.
 * @param {AbortSignal} signal
 */
export function importClients(reload, signal) {
  const box = problemBox();
  const report = h("div", { "aria-live": "polite" });
  const file = h("input", { type: "file", accept: ".csv,.ndjson,.jsonl,text/csv,application/x-ndjson" });
  const conflict = select([["update", say("update_client")], ["skip", say("skip_line")]], "update");
  const running = new AbortController();
  const dialog = openDialog(say("import_clients"), (close) => {
    const submit = h("button", { type: "submit" }, say("import"));
    const form = h("form", { novalidate: true },
      field("file", say("file"), file, say("file_hint")),
      field("on_conflict", say("on_conflict"), conflict), box, report,
      h("footer", {}, button(say("close"), close, { class: "secondary" }), submit));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const chosen = file.files?.[0];
      setChildren(report);
      if (chosen === undefined) {
        showProblem(box, new Error(say("choose_file")));
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
  const bar = h("progress", { max: 1, "aria-label": say("uploaded") });
  const text = h("p", { class: "hint" });
  setChildren(report, bar, text);
  try {
    const found = await upload(file, conflict, signal, (sent) => {
      bar.value = sent / file.size;
      const share = say("uploaded_share", { sent: formatBytes(sent), size: formatBytes(file.size) });
      setText(text, sent < file.size ? share : say("storing"));
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
    [say("import_created"), formatCount(created)], [say("import_updated"), formatCount(updated)],
    [say("import_unchanged"), formatCount(unchanged)], [say("import_skipped"), formatCount(skipped)],
    [say("import_repeated"), formatCount(repeated)], [say("import_rejected"), formatCount(rejected)],
  ]);
  const rows = errors.map(({ line, detail }) => h("tr", {},
    numberCell(formatCount(line)), h("td", { lang: "en" }, detail)));
  const title = rejected > errors.length ? sayCount("first_rejected", errors.length) : say("rejected_lines");
  return [
    h("dl", { class: "figures" }, counts),
    rows.length > 0 && [h("h3", {}, title), table(title, [[say("line"), "number"], say("error")], rows)],
  ];
}
