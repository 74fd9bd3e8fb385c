/** What an operator does to a mailing: pause, resume, edit, resend, cancel, delete. */

/** @import { Mailing } from "api-types" */
/** @import { Action } from "../shared/vocabulary.js" */

import { call } from "../shared/api.js";
import { confirmAction } from "../shared/dialog.js";
import { button, h, setText } from "../shared/elements.js";
import { announce } from "../shared/notice.js";
import { actionButton, problemBox } from "../shared/problems.js";
import { go } from "../shared/router.js";
import { ACTIONS, EDITABLE, UNSENT } from "../shared/vocabulary.js";
import { editMailing } from "./edit_dialog.js";
import { isOver, resendMessages } from "./resend_dialog.js";
import { say } from "../shared/words/language.js";

/**
 * Makes buttons for what the state of the mailing allows.
 * @param {Mailing} first
 * @param {(mailing: Mailing) => void} changed Called with the mailing after an action.
 * @param {AbortSignal} signal
 */
export function mailingActions(first, changed, signal) {
  const { id } = first;
  const box = problemBox();
  let mailing = first;
  const act = async (/** @type {Action} */ action) => {
    changed(await call("POST", `mailings/${id}/${action}`));
  };
  const cancel = () => confirmAction({
    title: say("cancel_title", { id: String(id) }), action: say("cancel_mailing"), perform: () => act("cancel"),
    text: say("cancel_text"),
  }, signal);
  const buttons = {
    start: actionButton(say("start_sending"), box, () => act("start"), { class: "small" }),
    pause: actionButton(say("pause"), box, () => act("pause"), { class: "small" }),
    resume: actionButton(say("resume"), box, () => act("resume"), { class: "small" }),
    edit: button(say("edit"), () => editMailing(mailing, changed, signal), { class: "small outline" }),
    resend: button(say("resend"), () => resendMessages(mailing, changed, signal), { class: "small outline" }),
    cancel: button(say("cancel"), cancel, { class: "small outline" }),
    remove: button(say("delete"), () => deleteMailing(id, signal), { class: "small outline danger" }),
  };
  const update = (/** @type {Mailing} */ shown) => {
    mailing = shown;
    buttons.start.hidden = !ACTIONS.start.includes(shown.status);
    buttons.pause.hidden = !ACTIONS.pause.includes(shown.status);
    buttons.resume.hidden = !ACTIONS.resume.includes(shown.status);
    buttons.cancel.hidden = !ACTIONS.cancel.includes(shown.status);
    buttons.edit.hidden = !EDITABLE[shown.status].length;
    buttons.resend.hidden = !mayResend(shown);
    setText(buttons.resend, say(isOver(shown) ? "send_rest" : "resend"));
  };
  return { element: h("div", {}, h("div", { class: "actions" }, Object.values(buttons)), box), update };
}

/** @param {Mailing} mailing */
function mayResend(mailing) {
  const isClosing = isOver(mailing) && mailing.status !== "finished";
  return !isClosing && mailing.status !== "cancelled" && UNSENT.some((status) => mailing.by_status[status] > 0);
}

/**
 * @param {number} id
 * @param {AbortSignal} signal
 */
function deleteMailing(id, signal) {
  confirmAction({
    title: say("delete_title", { id: String(id) }), action: say("delete_mailing"),
    text: say("delete_text"),
    perform: async () => {
      await call("DELETE", `mailings/${id}`);
      announce(say("mailing_deleted", { id: String(id) }));
      go("#/mailings");
    },
  }, signal);
}
