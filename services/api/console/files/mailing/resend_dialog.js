/** The dialog that resends messages, chosen by their final status. */

/** @import { Mailing, MailingDelivery, Resent } from "api-types" */
/** @import { Child } from "../shared/elements.js" */

/** @typedef {{ statuses: string[] } | { delivery: ["undelivered"] }} ResendChoice */

import { call, get } from "../shared/api.js";
import { openDialog } from "../shared/dialog.js";
import { button, h, setChildren } from "../shared/elements.js";
import { field } from "../shared/forms/fields.js";
import { HOME_ZONE } from "../shared/format.js";
import { announce } from "../shared/notice.js";
import { problemBox, whileBusy } from "../shared/problems.js";
import { toLocal, toMoment } from "../shared/forms/time_zones.js";
import { UNSENT } from "../shared/vocabulary.js";
import { say, sayCount, sayOf } from "../shared/words/language.js";

const DAY_MS = 86_400_000;

/**
 * Whether the end of a mailing has come. Then its messages need a new end to be sent again.
 * @param {Mailing} mailing
 */
export function isOver(mailing) {
  return Date.parse(mailing.end_at) <= Date.now();
}

/**
 * Opens the dialog.
 * @param {Mailing} mailing
 * @param {(mailing: Mailing) => void} changed
 * @param {AbortSignal} signal
 */
export function resendMessages(mailing, changed, signal) {
  const box = problemBox();
  const choices = h("fieldset", {}, h("p", { "aria-busy": "true" }, say("loading")));
  const chosen = () => {
    const checked = /** @type {HTMLInputElement[]} */ ([...choices.querySelectorAll("input:checked")]);
    return { statuses: checked.map((input) => input.value) };
  };
  openResend(mailing, [h("p", {}, say("resend_text")), choices], box, chosen, changed, signal);
  whileBusy(choices, box, async () => offer(choices, await get(`mailings/${mailing.id}`, {}, signal)));
}

/**
 * Opens the dialog for what receipts say is undelivered.
 * @param {Mailing} mailing
 * @param {(mailing: Mailing) => void} changed
 * @param {AbortSignal} signal
 */
export function resendUndelivered(mailing, changed, signal) {
  const box = problemBox();
  const count = h("div", {}, h("p", { "aria-busy": "true" }, say("loading")));
  openResend(mailing, [count], box, () => ({ delivery: ["undelivered"] }), changed, signal);
  whileBusy(count, box, async () => {
    /** @type {MailingDelivery} */
    const { undelivered } = await get(`mailings/${mailing.id}/statistics/delivery`, {}, signal);
    setChildren(count, h("p", {}, sayCount("resend_undelivered_text", undelivered)));
  });
}

/**
 * @param {Mailing} mailing
 * @param {Child[]} content
 * @param {HTMLElement} box
 * @param {() => ResendChoice} chosen
 * @param {(mailing: Mailing) => void} changed
 * @param {AbortSignal} signal
 */
function openResend(mailing, content, box, chosen, changed, signal) {
  const { id } = mailing;
  const end = isOver(mailing) ? newEnd() : null;
  openDialog(say("resend_title", { id: String(id) }), (close) => {
    const submit = button(say("send_again"), async () => {
      if (await whileBusy(submit, box, async () => changed(await resend(id, chosen(), end?.input ?? null)))) {
        close();
      }
    });
    return [...content, end?.element ?? null, box,
      h("footer", {}, button(say("back"), close, { class: "secondary" }), submit)];
  }, signal);
}

/**
 * @param {HTMLElement} choices
 * @param {Mailing} mailing
 */
function offer(choices, { by_status: counts }) {
  setChildren(choices, h("legend", {}, say("statuses")), UNSENT.map((status) => h("label", {},
    h("input", {
      type: "checkbox", value: status, disabled: counts[status] === 0,
      // What the provider has refused for good, it refuses again.
      checked: counts[status] > 0 && status !== "rejected",
    }),
    say("status_count", { status: sayOf("status", status), count: counts[status] }))));
}

/** Makes the field of the new end, tomorrow at this time unless another is chosen. */
function newEnd() {
  const tomorrow = new Date(Date.now() + DAY_MS).toISOString();
  const input = h("input", { type: "datetime-local", value: toLocal(tomorrow, HOME_ZONE) });
  return { element: field("end_at", say("new_end"), input, say("new_end_hint", { zone: HOME_ZONE })), input };
}

/**
 * @param {number} id
 * @param {ResendChoice} chosen
 * @param {HTMLInputElement | null} end
 * @returns {Promise<Mailing>}
 */
async function resend(id, chosen, end) {
  const body = { ...chosen, ...(end === null ? {} : { end_at: toMoment(end.value, HOME_ZONE).moment }) };
  /** @type {Resent} */
  const { messages } = await call("POST", `mailings/${id}/resend`, { body });
  announce(sayCount("resent", messages));
  return get(`mailings/${id}`);
}
