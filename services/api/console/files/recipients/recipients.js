/** A mailing from a file: on a draft, a file takes the place of the filter. Drop, map, look at the texts, send. */

/** @import { Mailing, RecipientsReport } from "api-types" */

import { ColumnMap, RECIPIENTS } from "../import/column_map.js";
import { fileFacts, inspect } from "../import/file_facts.js";
import { refusedLines } from "../import/report.js";
import { call } from "../shared/api.js";
import { confirmAction } from "../shared/dialog.js";
import { button, h, section, setChildren, setText } from "../shared/elements.js";
import { checkbox } from "../shared/forms/fields.js";
import { FileDrop } from "../shared/forms/file_drop.js";
import { announce } from "../shared/notice.js";
import { expected, problemBox, showProblem, whileBusy } from "../shared/problems.js";
import { mediaOf, upload } from "../shared/upload.js";
import { formatCount, say, sayCount } from "../shared/words/language.js";

/** The section of a draft that takes its recipients from a file, and gives the file up again. */
export class RecipientsSection {
  /**
   * @param {Mailing} mailing
   * @param {() => unknown} reload Called when the mailing has other recipients.
   * @param {AbortSignal} signal
   */
  constructor(mailing, reload, signal) {
    const box = problemBox();
    this.steps = h("div", { "aria-live": "polite" });
    const drop = new FileDrop(say("file_of_recipients"), say("recipients_hint"), ".csv,.txt,.ndjson,.jsonl",
      async (file) => {
        setChildren(this.steps);
        setChildren(box);
        try {
          await begin(mailing, file, drop, this.steps, reload, signal);
        } catch (error) {
          showProblem(box, expected(error));
        }
      });
    this.count = h("span", {});
    const giveUpFile = () => this.giveUp(mailing.id, reload, signal);
    const giveUp = button(say("drop_file"), giveUpFile, { class: "small secondary" });
    this.present = h("p", { hidden: true }, this.count, " ", giveUp);
    this.element = section(say("recipients_from_file"), this.present, drop.element, box, this.steps);
  }

  /** @param {Mailing} mailing */
  update({ status, recipients }) {
    this.element.hidden = status !== "draft";
    this.present.hidden = recipients === null;
    setText(this.count, recipients === null ? "" : sayCount("has_recipients", recipients));
  }

  /**
   * Asks first: without a file and a filter, the mailing goes to everybody.
   * @param {number} id
   * @param {() => unknown} reload
   * @param {AbortSignal} signal
   */
  giveUp(id, reload, signal) {
    confirmAction({
      title: say("drop_file_title"), text: say("drop_file_text"), action: say("drop_file"),
      perform: async () => {
        await call("PATCH", `mailings/${id}`, { body: { filter: {} } });
        setChildren(this.steps);
        announce(say("file_dropped"));
        await reload();
      },
    }, signal);
  }
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
