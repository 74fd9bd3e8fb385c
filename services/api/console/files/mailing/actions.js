/** What an operator does to a mailing, as the buttons of its page and the menu of its row in a list. */

/** @import { Mailing } from "api-types" */
/** @import { Action } from "../shared/vocabulary.js" */

import { call } from "../shared/api.js";
import { confirmAction } from "../shared/dialog.js";
import { button, h, setText } from "../shared/elements.js";
import { announce } from "../shared/notice.js";
import { expected, problemBox, showProblem, whileBusy } from "../shared/problems.js";
import { go, link } from "../shared/router.js";
import { ACTIONS, EDITABLE, UNSENT } from "../shared/vocabulary.js";
import { editMailing } from "./edit_dialog.js";
import { isOver, resendMessages } from "./resend_dialog.js";
import { testText } from "./test_dialog.js";
import { say } from "../shared/words/language.js";

/** @typedef {(mailing: Mailing) => void} Changed Called with the mailing after something was done to it. */

/**
 * Something that can be done. `direct`: without a dialog, so that whoever asks shows the problem.
 * @typedef {object} Offer
 * @property {string} name
 * @property {string} text
 * @property {string} [look] The class of its button.
 * @property {boolean} [direct]
 * @property {boolean} [danger]
 * @property {(mailing: Mailing) => boolean} isOffered
 * @property {(mailing: Mailing, changed: Changed, signal: AbortSignal) => unknown} act
 */

/** @type {Offer[]} */
const OFFERS = [
  {
    name: "start", text: say("start_sending"), look: "", isOffered: (mailing) => allows("start", mailing),
    act: confirmStart,
  },
  direct("pause", say("pause")),
  direct("resume", say("resume")),
  { name: "edit", text: say("edit"), isOffered: ({ status }) => EDITABLE[status].length > 0, act: editMailing },
  { name: "resend", text: say("send_rest"), isOffered: mayResend, act: resendMessages },
  { name: "test", text: say("test_send"), isOffered: () => true, act: ({ text }, _, signal) => testText(text, signal) },
  { name: "duplicate", text: say("duplicate"), direct: true, isOffered: () => true, act: duplicate },
  { name: "cancel", text: say("cancel"), isOffered: (mailing) => allows("cancel", mailing), act: confirmCancel },
  { name: "remove", text: say("delete"), danger: true, isOffered: () => true, act: confirmDelete },
];

/**
 * @param {"pause" | "resume"} action
 * @param {string} text
 * @returns {Offer}
 */
function direct(action, text) {
  return {
    name: action, text, look: "", direct: true, isOffered: (mailing) => allows(action, mailing),
    act: async ({ id }, changed) => changed(await call("POST", `mailings/${id}/${action}`)),
  };
}

/**
 * Returns what can be done to a mailing, for a menu. A problem of what has no dialog is announced.
 * @param {Mailing} mailing
 * @param {Changed} changed
 * @param {AbortSignal} signal
 */
export function offersOf(mailing, changed, signal) {
  return OFFERS.filter((offer) => offer.isOffered(mailing)).map(({ text, danger, act }) => ({
    text, danger, perform: async () => {
      try {
        await act(mailing, changed, signal);
      } catch (error) {
        announceProblem(error);
      }
    },
  }));
}

/** @param {unknown} error */
function announceProblem(error) {
  const box = problemBox();
  showProblem(box, expected(error));
  announce(box.textContent ?? "");
}

/**
 * Makes buttons for what the state of the mailing allows.
 * @param {Mailing} first
 * @param {Changed} changed
 * @param {AbortSignal} signal
 */
export function mailingActions(first, changed, signal) {
  const box = problemBox();
  let mailing = first;
  const buttons = OFFERS.map((offer) => {
    const look = offer.look ?? (offer.danger ? "outline danger" : "outline");
    const element = button(offer.text, () => {
      const act = () => offer.act(mailing, changed, signal);
      return offer.direct ? whileBusy(element, box, act) : act();
    }, { class: `small ${look}` });
    return { offer, element };
  });
  const update = (/** @type {Mailing} */ shown) => {
    mailing = shown;
    for (const { offer, element } of buttons) {
      element.hidden = !offer.isOffered(shown);
      setText(element, offer.text);
    }
  };
  return { element: h("div", {}, h("div", { class: "actions" }, buttons.map(({ element }) => element)), box), update };
}

/**
 * @param {Action} action
 * @param {Mailing} mailing
 */
function allows(action, { status }) {
  return ACTIONS[action].includes(status);
}

/** @param {Mailing} mailing */
function mayResend(mailing) {
  const isClosing = isOver(mailing) && mailing.status !== "finished";
  return !isClosing && mailing.status !== "cancelled" && UNSENT.some((status) => mailing.by_status[status] > 0);
}

/** @param {Mailing} mailing */
async function duplicate({ id }) {
  /** @type {Mailing} */
  const made = await call("POST", `mailings/${id}/duplicate`);
  announce(say("duplicated", { id: String(id) }));
  go(link(`mailings/${made.id}`));
}

/**
 * @param {Mailing} mailing
 * @param {Changed} changed
 * @param {AbortSignal} signal
 */
function confirmStart({ id }, changed, signal) {
  confirmAction({
    title: say("start_title", { id: String(id) }), action: say("start_sending"), text: say("start_text"), danger: false,
    perform: async () => changed(await call("POST", `mailings/${id}/start`)),
  }, signal);
}

/**
 * @param {Mailing} mailing
 * @param {Changed} changed
 * @param {AbortSignal} signal
 */
function confirmCancel({ id }, changed, signal) {
  confirmAction({
    title: say("cancel_title", { id: String(id) }), action: say("cancel_mailing"), text: say("cancel_text"),
    perform: async () => changed(await call("POST", `mailings/${id}/cancel`)),
  }, signal);
}

/**
 * @param {Mailing} mailing
 * @param {Changed} changed
 * @param {AbortSignal} signal
 */
function confirmDelete(mailing, changed, signal) {
  const id = String(mailing.id);
  confirmAction({
    title: say("delete_title", { id }), action: say("delete_mailing"), text: say("delete_text"),
    perform: async () => {
      await call("DELETE", `mailings/${id}`);
      announce(say("mailing_deleted", { id }));
      if (location.hash.startsWith(link(`mailings/${id}`))) {
        go("#/mailings");
      } else {
        changed(mailing);
      }
    },
  }, signal);
}
