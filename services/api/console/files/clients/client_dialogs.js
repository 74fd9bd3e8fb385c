/** Adds, edits and deletes a client. */

/** @import { Client } from "api-types" */

import { call } from "../shared/api.js";
import { confirmAction, openDialog } from "../shared/dialog.js";
import { button, h } from "../shared/elements.js";
import { clearErrors, showErrors } from "../shared/forms/fields.js";
import { announce } from "../shared/notice.js";
import { errorsOf, expected, problemBox, showProblem, whileBusy } from "../shared/problems.js";
import { say } from "../shared/words/language.js";
import { ClientFields } from "./client_fields.js";

/**
 * Opens the form of a client.
 * @param {Client | null} client Null for a new one.
 * @param {(client: Client) => void} saved
 * @param {AbortSignal} signal
 */
export function editClient(client, saved, signal) {
  const fields = new ClientFields(client);
  const box = problemBox();
  openDialog(client ? say("edit_client", { id: String(client.id) }) : say("new_client"), (close) => {
    const submit = h("button", { type: "submit" }, say("save"));
    const form = h("form", { novalidate: true }, fields.element, box,
      h("footer", {}, button(say("back"), close, { class: "secondary" }), submit));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      whileBusy(submit, box, async () => {
        const answer = await save(client, fields, box);
        if (answer !== null) {
          close();
          saved(answer);
        }
      });
    });
    return form;
  }, signal);
}

/**
 * Saves a client. Returns null where that failed; the form shows why then.
 * @param {Client | null} client
 * @param {ClientFields} fields
 * @param {HTMLElement} box
 * @returns {Promise<Client | null>}
 */
async function save(client, fields, box) {
  clearErrors(fields.element);
  const body = fields.body();
  try {
    /** @type {Client} */
    const answer = await (client ? call("PATCH", `clients/${client.id}`, { body }) : call("POST", "clients", { body }));
    announce(say(client ? "client_changed" : "client_added", { id: String(answer.id) }));
    return answer;
  } catch (error) {
    showProblem(box, expected(error), showErrors(fields.element, errorsOf(error)));
    return null;
  }
}

/**
 * Asks whether to delete a client, and does.
 * @param {Client} client
 * @param {() => void} deleted
 * @param {AbortSignal} signal
 */
export function deleteClient(client, deleted, signal) {
  confirmAction({
    title: say("delete_client_title", { id: String(client.id) }), action: say("delete_client"),
    text: say("delete_client_text", { phone: client.phone }),
    perform: async () => {
      await call("DELETE", `clients/${client.id}`);
      announce(say("client_deleted", { id: String(client.id) }));
      deleted();
    },
  }, signal);
}
