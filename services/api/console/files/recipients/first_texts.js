/** The texts of the first recipients of a file, as they would get them. */

/** @import { Client, FileRecipient, FileRecipients } from "api-types" */
/** @import { Child } from "../shared/elements.js" */

import { Problem, get } from "../shared/api.js";
import { h, table } from "../shared/elements.js";
import { say } from "../shared/words/language.js";
import { fillIn } from "./render.js";

const LOOKED_AT = 5;

/**
 * Makes a table of the first texts. Values of the file win over those of the directory.
 * @param {number} mailingId
 * @param {string} text
 * @param {AbortSignal} signal
 * @returns {Promise<Child>}
 */
export async function firstTexts(mailingId, text, signal) {
  /** @type {FileRecipients} */
  const { items } = await get(`mailings/${mailingId}/recipients`, { limit: LOOKED_AT }, signal);
  const rows = await Promise.all(items.map(async (recipient) => {
    const filled = fillIn(text, { ...await attributesOf(recipient, signal), ...recipient.values });
    return h("tr", {}, h("td", { class: "phone" }, recipient.phone),
      h("td", { class: filled === null ? "wrong" : "" }, filled ?? say("lacks_value")));
  }));
  return [h("h3", {}, say("first_texts")), table(say("first_texts"), [say("phone"), say("text")], rows)];
}

/**
 * Returns the attributes of a recipient who is a client; a guest of the file has none.
 * @param {FileRecipient} recipient
 * @param {AbortSignal} signal
 * @returns {Promise<Client["attributes"]>}
 */
async function attributesOf(recipient, signal) {
  try {
    /** @type {Client} */
    const client = await get(`clients/${recipient.client_id}`, {}, signal);
    return client.attributes;
  } catch (error) {
    if (error instanceof Problem && error.status === 404) {
      return {};
    }
    throw error;
  }
}
