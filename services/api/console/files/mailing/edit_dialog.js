/** Edits a mailing: only what its state allows, and only what was changed. */

import { call } from "../shared/api.js";
import { announce, openDialog, problemPlace, work } from "../shared/dialog.js";
import { h } from "../shared/elements.js";
import { MailingForm, asking } from "../new_mailing/mailing_form.js";

export function editMailing(mailing, changed, signal) {
  const place = problemPlace();
  const form = new MailingForm({ mailing });
  openDialog(`Edit mailing ${mailing.id}`, (close) => {
    const button = h("button", { type: "submit" }, "Save");
    const element = h("form", { novalidate: true }, form.element, place, h("footer", {},
      h("button", { type: "button", class: "secondary", onclick: close }, "Back"), button));
    element.addEventListener("submit", (event) => {
      event.preventDefault();
      work(button, place, () => asking(form, place, async (body) => {
        if (Object.keys(body).length) {
          changed(await call("PATCH", `mailings/${mailing.id}`, { body }));
          announce(`Mailing ${mailing.id} is changed.`);
        }
        close();
      }, form.changes()));
    });
    const note = mailing.status === "scheduled" ? null
      : h("p", { class: "hint" }, `While a mailing is ${mailing.status}, its text, end and window can be changed.`);
    return [note, element].filter(Boolean);
  }, signal);
}
