/** Imports a file of clients. The browser reads it from disk piece by piece, so that it may be of any size. */

import { Unreachable, address, headers, problem } from "../shared/api.js";
import { openDialog, problemPlace, showProblem, work } from "../shared/dialog.js";
import { fill, h, number, say, table } from "../shared/elements.js";
import { field, select } from "../shared/fields.js";
import { bytes, count } from "../shared/format.js";

const CONFLICTS = [["update", "Update it"], ["skip", "Leave it as it is"]];

/** Open the dialog. `done()` is told when clients may have changed. */
export function importClients(done, signal) {
  const place = problemPlace();
  const report = h("div", { "aria-live": "polite" });
  const file = h("input", { type: "file", accept: ".csv,.ndjson,.jsonl,text/csv,application/x-ndjson" });
  const conflict = select(CONFLICTS, "update");
  const running = new AbortController();
  const dialog = openDialog("Import clients", (close) => {
    const button = h("button", { type: "submit" }, "Import");
    const form = h("form", { novalidate: true },
      field("file", "File", file, { hint: "CSV with the header phone,operator_code,tag,timezone, or NDJSON." }),
      field("on_conflict", "A client whose phone is there", conflict), place, report,
      h("footer", {}, h("button", { type: "button", class: "secondary", onclick: close }, "Close"), button));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      work(button, place, () => run(file.files[0], conflict.value, { place, report, done, signal: running.signal }));
    });
    return form;
  }, signal);
  dialog.addEventListener("close", () => running.abort());
}

async function run(file, conflict, { place, report, done, signal }) {
  fill(report);
  if (file === undefined) {
    showProblem(place, new Error("Choose a file."));
    return;
  }
  const bar = h("progress", { max: 1, "aria-label": "Sent" });
  const text = h("p", { class: "hint" });
  fill(report, bar, text);
  try {
    const found = await send(file, conflict, signal, (sent) => {
      bar.value = sent / file.size;
      say(text, sent < file.size ? `${bytes(sent)} of ${bytes(file.size)}` : "Sent; the last lines are being stored.");
    });
    fill(report, reportOf(found));
  } catch (error) {
    fill(report);
    throw error;
  } finally {
    done();
  }
}

/** Upload by XMLHttpRequest, since fetch does not tell how far it is. */
function send(file, conflict, signal, progress) {
  const request = new XMLHttpRequest();
  request.open("POST", address("clients/import", { on_conflict: conflict }));
  const lines = /\.(ndjson|jsonl)$/i.test(file.name);
  const given = headers({ "Content-Type": lines ? "application/x-ndjson" : "text/csv" });
  Object.entries(given).forEach(([name, value]) => request.setRequestHeader(name, value));
  signal.addEventListener("abort", () => request.abort());
  return new Promise((resolve, reject) => {
    const cut = () => reject(new Unreachable(
      "The connection was lost. A part of the file may be imported; importing it once more does no harm."));
    request.upload.addEventListener("progress", (event) => progress(event.loaded));
    request.addEventListener("error", cut);
    request.addEventListener("abort", cut);
    request.addEventListener("load", () => {
      const good = request.status === 200;
      good ? resolve(JSON.parse(request.responseText)) : reject(problem(request.status, request.responseText));
    });
    request.send(file);
  });
}

function reportOf(found) {
  const tallies = ["created", "updated", "skipped", "rejected"];
  const rows = found.errors.map(({ line, detail }) => h("tr", {}, number(count(line)), h("td", {}, detail)));
  const some = found.rejected > found.errors.length;
  const title = some ? `The first ${found.errors.length} rejected lines` : "Rejected lines";
  return [
    h("dl", { class: "figures" },
      tallies.map((name) => h("div", {}, h("dt", {}, name), h("dd", {}, count(found[name]))))),
    rows.length > 0 && [h("h3", {}, title), table(title, [["Line", "number"], "What is wrong"], rows)]];
}
