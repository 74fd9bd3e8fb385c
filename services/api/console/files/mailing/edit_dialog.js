/** The dialog that edits a mailing: only what its state allows, and only what was changed is sent. */

/** @import { Mailing } from "api-types" */

import { MailingForm, submitForm } from "../new_mailing/mailing_form.js";
import { call } from "../shared/api.js";
import { openDialog } from "../shared/dialog.js";
import { button, h } from "../shared/elements.js";
import { announce } from "../shared/notice.js";
import { problemBox, whileBusy } from "../shared/problems.js";

/**
 * Opens the dialog.
 * @param {Mailing} mailing
 * @param {(mailing: Mailing) => void} changed
 * @param {AbortSignal} signal
 */
export function editMailing(mailing, changed, signal) {
  const box = problemBox();
  const form = new MailingForm(mailing);
  openDialog(`Edit mailing ${mailing.id}`, (close) => {
    const submit = h("button", { type: "submit" }, "Save");
    const element = h("form", { novalidate: true }, form.element, box,
      h("footer", {}, button("Back", close, { class: "secondary" }), submit));
    element.addEventListener("submit", (event) => {
      event.preventDefault();
      whileBusy(submit, box, () => submitForm(form, form.changes(), box, async (body) => {
        if (Object.keys(body).length) {
          changed(await call("PATCH", `mailings/${mailing.id}`, { body }));
          announce(`Mailing ${mailing.id} was changed.`);
        }
        close();
      }));
    });
    const note = `Only the text, the end and the window of a ${mailing.status} mailing can be changed.`;
    return [mailing.status !== "scheduled" && h("p", { class: "hint" }, note), element];
  }, signal);
}
