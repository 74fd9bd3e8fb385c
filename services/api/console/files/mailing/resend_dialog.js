/** The dialog that resends messages, chosen by their final status. */

/** @import { Mailing, Resent } from "api-types" */

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
  const { id } = mailing;
  const end = isOver(mailing) ? newEnd() : null;
  const box = problemBox();
  const choices = h("fieldset", {}, h("p", { "aria-busy": "true" }, say("loading")));
  openDialog(say("resend_title", { id: String(id) }), (close) => {
    const submit = button(say("send_again"), async () => {
      if (await whileBusy(submit, box, async () => changed(await resend(id, choices, end?.input ?? null)))) {
        close();
      }
    });
    return [h("p", {}, say("resend_text")),
      choices, end?.element ?? null, box, h("footer", {}, button(say("back"), close, { class: "secondary" }), submit)];
  }, signal);
  whileBusy(choices, box, async () => offer(choices, await get(`mailings/${id}`, {}, signal)));
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
 * @param {HTMLElement} choices
 * @param {HTMLInputElement | null} end
 * @returns {Promise<Mailing>}
 */
async function resend(id, choices, end) {
  const checked = /** @type {HTMLInputElement[]} */ ([...choices.querySelectorAll("input:checked")]);
  const statuses = checked.map((input) => input.value);
  const body = { statuses, ...(end === null ? {} : { end_at: toMoment(end.value, HOME_ZONE).moment }) };
  /** @type {Resent} */
  const { messages } = await call("POST", `mailings/${id}/resend`, { body });
  announce(sayCount("resent", messages));
  return get(`mailings/${id}`);
}
