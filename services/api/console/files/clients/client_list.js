/** The list of clients, each with what may be done to it. */

/** @import { Client } from "api-types" */
/** @import { Head } from "../shared/elements.js" */
/** @import { Word } from "../shared/words/language.js" */

import { button, h, numberCell, setChildren, setText } from "../shared/elements.js";
import { timeElement } from "../shared/format.js";
import { PagedList } from "../shared/paged_list.js";
import { link } from "../shared/router.js";
import { may } from "../shared/access/session.js";
import { deleteClient, editClient } from "./client_dialogs.js";
import { say } from "../shared/words/language.js";

/** @type {Head[]} */
const HEADS = [[say("id"), "number"], say("phone"), say("operator_code"), say("tag"), say("time_zone"),
  say("changed")];

/**
 * Makes the list.
 * @param {() => void} reload
 * @param {AbortSignal} signal
 * @returns {PagedList<Client>}
 */
export function clientList(reload, signal) {
  return new PagedList({
    kept: "page", label: say("clients"), empty: say("no_clients"),
    heads: may("operator") ? [...HEADS, [say("actions"), "unseen"]] : HEADS,
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
    setText(this.code, client.operator_code);
    setText(this.tag, client.tag);
    setText(this.zone, client.timezone);
    if (this.changedAt !== client.updated_at) {
      this.changedAt = client.updated_at;
      setChildren(this.changed, timeElement(client.updated_at));
    }
  }
}
