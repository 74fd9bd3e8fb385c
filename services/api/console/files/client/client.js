/** The page of one client, with what happened to them. */

/** @import { Client } from "api-types" */
/** @import { PageContext } from "../shared/router.js" */

import { deleteClient, editClient } from "../clients/client_dialogs.js";
import { get } from "../shared/api.js";
import { button, definitions, h, section, setChildren } from "../shared/elements.js";
import { eventList } from "../shared/event_list.js";
import { timeElement } from "../shared/format.js";
import { untilLoaded } from "../shared/polling.js";
import { go, heading } from "../shared/router.js";
import { may } from "../shared/access/session.js";
import { say } from "../shared/words/language.js";
import { clientMessages } from "./client_messages.js";

const EVENTS_INTERVAL_SECONDS = 10;

/** @param {PageContext} context */
export async function showClient({ main, ids: [id], signal }) {
  main.append(heading(say("client_number", { id })));
  /** @type {Client | null} */
  const found = await untilLoaded(() => get(`clients/${id}`, {}, signal), signal);
  if (found !== null) {
    await showLoaded(main, found, signal);
  }
}

/**
 * @param {HTMLElement} main
 * @param {Client} client
 * @param {AbortSignal} signal
 */
async function showLoaded(main, client, signal) {
  let shown = client;
  const details = h("dl", { class: "plan" });
  const events = eventList(`clients/${client.id}`, EVENTS_INTERVAL_SECONDS, signal);
  const messages = clientMessages(client.id, signal);
  const show = (/** @type {Client} */ changed) => {
    shown = changed;
    setChildren(details, detailsOf(changed));
  };
  const saved = (/** @type {Client} */ changed) => {
    show(changed);
    events.reload();
  };
  const actions = h("div", { class: "actions" },
    button(say("edit"), () => editClient(shown, saved, signal), { class: "small outline" }),
    button(say("delete"), () => deleteClient(shown, () => go("#/clients"), signal), { class: "small outline danger" }));
  main.replaceChildren(
    h("div", { class: "head" }, heading(say("client_number", { id: String(client.id) })), may("operator") && actions),
    details, section(say("mailings"), messages.element), section(say("events"), events.element));
  show(client);
  await Promise.race([messages.failed, events.failed]);
}

/** @param {Client} client */
function detailsOf(client) {
  /** @type {Array<[name: string, value: string]>} */
  const attributes = Object.entries(client.attributes).map(([name, value]) => [name, String(value)]);
  return definitions([
    [say("phone"), client.phone], [say("operator_code"), client.operator_code],
    [say("tags"), client.tags.join(", ") || "–"],
    [say("time_zone"), client.timezone], [say("external_id"), client.external_id ?? "–"],
    ...attributes,
    [say("added"), timeElement(client.created_at)], [say("changed"), timeElement(client.updated_at)],
  ]);
}
