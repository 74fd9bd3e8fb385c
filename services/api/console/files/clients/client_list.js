/** The list of clients, each with what may be done to it. */

/** @import { Client } from "api-types" */
/** @import { Head } from "../shared/elements.js" */
/** @import { Word } from "../shared/words/language.js" */
/** @import { Chosen } from "./chosen.js" */

import { button, h, numberCell, setChildren, setText } from "../shared/elements.js";
import { timeElement } from "../shared/format.js";
import { PagedList } from "../shared/paged_list.js";
import { link } from "../shared/router.js";
import { may } from "../shared/access/session.js";
import { deleteClient, editClient } from "./client_dialogs.js";
import { say } from "../shared/words/language.js";

/** @type {Head[]} */
const HEADS = [[say("id"), "number"], say("phone"), say("tags"), say("external_id"),
  say("attributes"), say("time_zone"), [say("changed"), "last-change"]];

/**
 * Makes the list.
 * @param {Chosen} chosen
 * @param {() => void} reload
 * @param {AbortSignal} signal
 * @returns {PagedList<Client>}
 */
export function clientList(chosen, reload, signal) {
  return new PagedList({
    kept: "page", label: say("clients"), empty: say("no_clients"),
    heads: may("operator") ? [[say("choose"), "unseen"], ...HEADS, [say("actions"), "unseen"]] : HEADS,
    row: (client) => new ClientRow(client, chosen, reload, signal), onturn: reload,
  });
}

/**
 * Writes attributes in a line.
 * @param {Client["attributes"]} attributes
 */
export function attributesLine(attributes) {
  return Object.entries(attributes).map(([name, value]) => `${name}: ${value}`).join(" · ");
}

class ClientRow {
  /**
   * @param {Client} client
   * @param {Chosen} chosen
   * @param {() => void} reload
   * @param {AbortSignal} signal
   */
  constructor(client, chosen, reload, signal) {
    this.client = client;
    this.phone = h("a", { href: link(`clients/${client.id}`) });
    this.tags = h("td", { class: "tag" });
    this.externalId = h("td", { class: "tag" });
    this.attributes = h("td", { class: "text attributes-line long" });
    this.zone = h("td", {});
    this.changed = h("td", { class: "moment last-change" });
    this.changedAt = "";
    this.element = h("tr", {},
      may("operator") && h("td", {}, chosen.checkbox(client)),
      numberCell(client.id), h("td", { class: "phone" }, this.phone), this.tags, this.externalId, this.attributes,
      this.zone, this.changed,
      may("operator") && h("td", { class: "tools" },
        this.button("edit", "edit_client", () => editClient(this.client, reload, signal)),
        this.button("delete", "delete_this_client", () => deleteClient(this.client, reload, signal))));
  }

  /**
   * @param {Word} text
   * @param {Word} label
   * @param {() => void} onclick
   */
  button(text, label, onclick) {
    return button(say(text), onclick, { class: "link", "aria-label": say(label, { id: String(this.client.id) }) });
  }

  /** @param {Client} client */
  update(client) {
    this.client = client;
    setText(this.phone, client.phone);
    setText(this.tags, client.tags.join(", "));
    setText(this.externalId, client.external_id ?? "");
    setText(this.attributes, attributesLine(client.attributes));
    setText(this.zone, client.timezone);
    if (this.changedAt !== client.updated_at) {
      this.changedAt = client.updated_at;
      setChildren(this.changed, timeElement(client.updated_at));
    }
  }
}
