/** The list of clients, each with what may be done to it. */

/** @import { Client } from "api-types" */
/** @import { Head } from "../shared/elements.js" */

import { button, h, numberCell, setChildren, setText } from "../shared/elements.js";
import { timeElement } from "../shared/format.js";
import { PagedList } from "../shared/paged_list.js";
import { link } from "../shared/router.js";
import { may } from "../shared/session.js";
import { deleteClient, editClient } from "./client_dialogs.js";

/** @type {Head[]} */
const HEADS = [["Id", "number"], "Phone", "Operator code", "Tag", "Time zone", "Changed"];

/**
 * Makes the list.
 * @param {() => void} reload
 * @param {AbortSignal} signal
 * @returns {PagedList<Client>}
 */
export function clientList(reload, signal) {
  return new PagedList({
    label: "Clients", empty: "No clients found.", heads: may("operator") ? [...HEADS, ""] : HEADS,
    row: (client) => new ClientRow(client, reload, signal), onturn: reload,
  });
}

class ClientRow {
  /**
   * @param {Client} client
   * @param {() => void} reload
   * @param {AbortSignal} signal
   */
  constructor(client, reload, signal) {
    this.client = client;
    this.phone = h("a", { href: link(`clients/${client.id}`) });
    this.code = h("td", {});
    this.tag = h("td", { class: "tag" });
    this.zone = h("td", {});
    this.changed = h("td", { class: "moment" });
    this.changedAt = "";
    this.element = h("tr", {},
      numberCell(client.id), h("td", { class: "phone" }, this.phone), this.code, this.tag, this.zone, this.changed,
      may("operator") && h("td", { class: "tools" },
        this.button("Edit", () => editClient(this.client, reload, signal)),
        this.button("Delete", () => deleteClient(this.client, reload, signal))));
  }

  /**
   * @param {string} text
   * @param {() => void} onclick
   */
  button(text, onclick) {
    return button(text, onclick, { class: "link", "aria-label": `${text} client ${this.client.id}` });
  }

  /** @param {Client} client */
  update(client) {
    this.client = client;
    setText(this.phone, client.phone);
    setText(this.code, client.operator_code);
    setText(this.tag, client.tag);
    setText(this.zone, client.timezone);
    if (this.changedAt !== client.updated_at) {
      this.changedAt = client.updated_at;
      setChildren(this.changed, timeElement(client.updated_at));
    }
  }
}
