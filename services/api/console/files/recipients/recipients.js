/** A mailing from a file: on a draft, a file takes the place of the filter. Drop, map, look at the texts, send. */

/** @import { Mailing, RecipientsReport } from "api-types" */

import { ColumnMap, RECIPIENTS } from "../import/column_map.js";
import { fileFacts, inspect } from "../import/file_facts.js";
import { refusedLines } from "../import/report.js";
import { h, section, setChildren } from "../shared/elements.js";
import { checkbox } from "../shared/forms/fields.js";
import { FileDrop } from "../shared/forms/file_drop.js";
import { expected, problemBox, showProblem, whileBusy } from "../shared/problems.js";
import { mediaOf, upload } from "../shared/upload.js";
import { formatCount, say, sayCount } from "../shared/words/language.js";

/**
 * Makes the section of a draft that takes its recipients from a file.
 * @param {Mailing} mailing
 * @param {() => void} reload Called when the mailing has other recipients.
 * @param {AbortSignal} signal
 */
export function recipientsSection(mailing, reload, signal) {
  const box = problemBox();
  const steps = h("div", { "aria-live": "polite" });
  const label = say("file_of_recipients");
  const drop = new FileDrop(label, say("recipients_hint"), ".csv,.txt,.ndjson,.jsonl", async (file) => {
    setChildren(steps);
    setChildren(box);
    try {
      await begin(mailing, file, drop, steps, reload, signal);
    } catch (error) {
      showProblem(box, expected(error));
    }
  });
  return section(say("recipients_from_file"),
    mailing.recipients !== null && h("p", {}, sayCount("has_recipients", mailing.recipients)),
    drop.element, box, steps);
}

/**
 * @param {Mailing} mailing
 * @param {File} file
 * @param {FileDrop} drop
 * @param {HTMLElement} steps
 * @param {() => unknown} taken
 * @param {AbortSignal} signal
 */
async function begin(mailing, file, drop, steps, taken, signal) {
  const inspected = mediaOf(file) === "text/csv" ? await inspect(file, signal) : null;
  const map = inspected === null ? null : new ColumnMap(inspected, RECIPIENTS);
  const repair = checkbox(say("repair_phones"), inspected?.proposal.phones === "repair");
  const skip = checkbox(say("leave_wrong_out"), false);
  const box = problemBox();
  const result = h("div", { class: "below" });
  const submit = h("button", { type: "submit" }, say("take_recipients"));
  const form = h("form", { novalidate: true },
    inspected !== null && fileFacts(inspected), map !== null && [map.element, repair.element], skip.element, box,
    submit);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    whileBusy(submit, box, async () => {
      const { encoding, delimiter, header } = inspected?.proposal ?? {};
      const phones = repair.input.checked ? "repair" : "strict";
      const read = map === null ? {} : { encoding, delimiter, header, map: map.value, phones };
      const query = { ...read, on_error: skip.input.checked ? "skip" : "refuse" };
      /** @type {RecipientsReport} */
      const report = await drop.sending(file, (progress) => (
        upload(`mailings/${mailing.id}/recipients`, query, file, mediaOf(file), signal, progress)));
      setChildren(result,
        h("p", {}, say("taken_recipients", { taken: formatCount(report.recipients), refused: report.rejected })),
        refusedLines(report.rejected, report.errors));
      await taken();
    });
  });
  setChildren(steps, form, result);
}
