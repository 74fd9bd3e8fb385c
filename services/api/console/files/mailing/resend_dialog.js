/** The dialog that resends messages, chosen by their final status. */

/** @import { Mailing, Resent } from "api-types" */

import { call, get } from "../shared/api.js";
import { openDialog } from "../shared/dialog.js";
import { button, h, setChildren } from "../shared/elements.js";
import { formatCount, formatCountOf } from "../shared/format.js";
import { announce } from "../shared/notice.js";
import { problemBox, whileBusy } from "../shared/problems.js";
import { UNSENT } from "../shared/vocabulary.js";

/**
 * Opens the dialog.
 * @param {number} id
 * @param {(mailing: Mailing) => void} changed
 * @param {AbortSignal} signal
 */
export function resendMessages(id, changed, signal) {
  const box = problemBox();
  const choices = h("fieldset", {}, h("p", { "aria-busy": "true" }, "Loading"));
  openDialog(`Resend messages of mailing ${id}`, (close) => {
    const submit = button("Resend", async () => {
      if (await whileBusy(submit, box, async () => changed(await resend(id, choices)))) {
        close();
      }
    });
    return [h("p", {}, "Messages with the chosen statuses get a new round of attempts. Sent ones are never resent."),
      choices, box, h("footer", {}, button("Back", close, { class: "secondary" }), submit)];
  }, signal);
  whileBusy(choices, box, async () => offer(choices, await get(`mailings/${id}`, {}, signal)));
}

/**
 * @param {HTMLElement} choices
 * @param {Mailing} mailing
 */
function offer(choices, { by_status: counts }) {
  setChildren(choices, h("legend", {}, "Statuses"), UNSENT.map((status) => h("label", {},
    h("input", { type: "checkbox", value: status, disabled: counts[status] === 0 }),
    `${status} (${formatCount(counts[status])})`)));
}

/**
 * @param {number} id
 * @param {HTMLElement} choices
 * @returns {Promise<Mailing>}
 */
async function resend(id, choices) {
  const checked = /** @type {HTMLInputElement[]} */ ([...choices.querySelectorAll("input:checked")]);
  const statuses = checked.map((input) => input.value);
  /** @type {Resent} */
  const { messages } = await call("POST", `mailings/${id}/resend`, { body: { statuses } });
  announce(`${formatCountOf(messages, "message")} will be resent.`);
  return get(`mailings/${id}`);
}
