/** The dialog that edits a mailing: only what its state allows, and only what was changed is sent. */

/** @import { Mailing } from "api-types" */

import { MailingForm, submitForm } from "../new_mailing/mailing_form.js";
import { call } from "../shared/api.js";
import { openDialog } from "../shared/dialog.js";
import { button, h } from "../shared/elements.js";
import { announce } from "../shared/notice.js";
import { problemBox, whileBusy } from "../shared/problems.js";
import { say } from "../shared/words/language.js";

/**
 * Opens the dialog.
 * @param {Mailing} mailing
 * @param {(mailing: Mailing) => void} changed
 * @param {AbortSignal} signal
 */
export function editMailing(mailing, changed, signal) {
  const box = problemBox();
  const form = new MailingForm(mailing);
  openDialog(say("edit_mailing", { id: String(mailing.id) }), (close) => {
    const submit = h("button", { type: "submit" }, say("save"));
    const element = h("form", { novalidate: true }, form.element, box,
      h("footer", {}, button(say("back"), close, { class: "secondary" }), submit));
    element.addEventListener("submit", (event) => {
      event.preventDefault();
      whileBusy(submit, box, () => submitForm(form, form.changes(), box, async (body) => {
        if (Object.keys(body).length) {
          changed(await call("PATCH", `mailings/${mailing.id}`, { body }));
          announce(say("mailing_changed", { id: String(mailing.id) }));
        }
        close();
      }));
    });
    return [mailing.status !== "scheduled" && h("p", { class: "hint" }, say("edit_limits")), element];
  }, signal);
}
