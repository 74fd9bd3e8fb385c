/** Adds, edits and deletes a client. */

/** @import { Client, ClientPatch } from "api-types" */
/** @import { Attributes } from "../shared/elements.js" */

import { call } from "../shared/api.js";
import { confirmAction, openDialog } from "../shared/dialog.js";
import { button, h, uniqueId } from "../shared/elements.js";
import { clearErrors, field, showErrors } from "../shared/forms/fields.js";
import { announce } from "../shared/notice.js";
import { errorsOf, expected, problemBox, showProblem, whileBusy } from "../shared/problems.js";
import { zoneNames } from "../shared/forms/time_zones.js";
import { say } from "../shared/words/language.js";

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

class ClientFields {
  /** @param {Client | null} client */
  constructor(client) {
    this.client = client;
    this.phone = textInput(client?.phone, { type: "tel", placeholder: "79161234567" });
    this.operatorCode = textInput(client?.operator_code, { inputmode: "numeric" });
    this.tag = textInput(client?.tag);
    const zones = h("datalist", { id: uniqueId("zones") }, zoneNames().map((zone) => h("option", { value: zone })));
    this.timezone = textInput(client?.timezone, { list: zones.id });
    this.element = h("div", {},
      field("phone", say("phone"), this.phone, say("phone_hint")),
      field("operator_code", say("operator_code"), this.operatorCode, client ? null : say("code_hint")),
      field("tag", say("tag"), this.tag),
      field("timezone", say("time_zone"), this.timezone, client ? null : say("zone_hint")),
      zones);
  }

  /**
   * Returns what is sent: of a client that exists only what was changed, of a new one only what is not empty, so that
   * the rest takes its default.
   * @returns {ClientPatch}
   */
  body() {
    const { client } = this;
    const given = {
      phone: this.phone.value.trim(), operator_code: this.operatorCode.value.trim(), tag: this.tag.value,
      timezone: this.timezone.value.trim(),
    };
    const names = /** @type {Array<keyof typeof given>} */ (Object.keys(given));
    const isSent = (/** @type {keyof typeof given} */ name) => (
      client ? given[name] !== client[name] : given[name] !== "" || name === "phone");
    return Object.fromEntries(names.filter(isSent).map((name) => [name, given[name]]));
  }
}

/**
 * @param {string | undefined} value
 * @param {Attributes} [attributes]
 */
function textInput(value = "", attributes = {}) {
  return h("input", { type: "text", autocomplete: "off", value, ...attributes });
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
