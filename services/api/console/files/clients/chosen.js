/**
 * The clients that are chosen on a page of the list, and what is done to all of them: a tag is added or taken away,
 * they are put on the stop list, or deleted.
 */

/** @import { Client } from "api-types" */
/** @import { Child } from "../shared/elements.js" */

import { call } from "../shared/api.js";
import { confirmAction, openDialog } from "../shared/dialog.js";
import { button, h, setText } from "../shared/elements.js";
import { field } from "../shared/forms/fields.js";
import { announce } from "../shared/notice.js";
import { problemBox, whileBusy } from "../shared/problems.js";
import { say, sayCount } from "../shared/words/language.js";

export class Chosen {
  /**
   * @param {() => void} reload
   * @param {AbortSignal} signal
   */
  constructor(reload, signal) {
    this.reload = reload;
    this.signal = signal;
    /** @type {Map<number, {client: Client, input: HTMLInputElement}>} */
    this.boxes = new Map();
    this.count = h("span", {});
    this.element = h("div", { class: "actions", hidden: true }, this.count,
      button(say("add_tag"), () => this.addTag(), { class: "small outline" }),
      button(say("take_tag"), () => this.takeTag(), { class: "small outline" }),
      button(say("stop_phone"), () => this.stop(), { class: "small outline" }),
      button(say("delete"), () => this.delete(), { class: "small outline danger" }));
    /** @type {HTMLInputElement} */
    this.all = h("input", { type: "checkbox", onchange: () => this.chooseAll(this.all.checked) });
    this.allLabel = h("label", { class: "flag" }, this.all, say("choose_page"));
  }

  /** @param {Client} client */
  checkbox(client) {
    const label = say("choose_client", { id: String(client.id) });
    const input = h("input", { type: "checkbox", "aria-label": label, onchange: () => this.draw() });
    this.boxes.set(client.id, { client, input });
    return input;
  }

  /** @returns {Client[]} Those whose rows are on the page. */
  get clients() {
    const checked = [...this.boxes.values()].filter(({ input }) => input.isConnected && input.checked);
    return checked.map(({ client }) => client);
  }

  /**
   * Takes a newer state of the clients on the page.
   * @param {Client[]} clients
   */
  update(clients) {
    for (const client of clients) {
      const box = this.boxes.get(client.id);
      if (box !== undefined) {
        box.client = client;
      }
    }
    this.draw();
  }

  /** @param {boolean} checked */
  chooseAll(checked) {
    for (const { input } of this.boxes.values()) {
      input.checked = checked && input.isConnected;
    }
    this.draw();
  }

  draw() {
    const { length } = this.clients;
    this.element.hidden = length === 0;
    setText(this.count, sayCount("chosen_clients", length));
  }

  addTag() {
    const chosen = this.clients;
    const input = h("input", { type: "text", autocomplete: "off", required: true });
    this.ask({
      title: say("add_tag"), fields: field("tags", say("tag"), input), action: sayCount("tag_them", chosen.length),
      perform: async () => {
        const tag = input.value.trim();
        const untagged = chosen.filter(({ tags }) => !tags.includes(tag));
        await each(untagged, ({ id, tags }) => call("PATCH", `clients/${id}`, { body: { tags: [...tags, tag] } }));
        return sayCount("were_tagged", untagged.length);
      },
    });
  }

  /** Takes away one of the tags that they have. */
  takeTag() {
    const chosen = this.clients;
    const tags = [...new Set(chosen.flatMap((client) => client.tags))].sort();
    const select = h("select", { required: true }, tags.map((tag) => h("option", { value: tag }, tag)));
    this.ask({
      title: say("take_tag"), action: sayCount("untag_them", chosen.length),
      fields: tags.length > 0 ? field("tags", say("tag"), select) : null,
      otherwise: say("no_tags_chosen"),
      perform: async () => {
        const tagged = chosen.filter((client) => client.tags.includes(select.value));
        await each(tagged, ({ id, tags: all }) => (
          call("PATCH", `clients/${id}`, { body: { tags: all.filter((tag) => tag !== select.value) } })));
        return sayCount("were_untagged", tagged.length);
      },
    });
  }

  stop() {
    const chosen = this.clients;
    const reason = h("input", { type: "text", autocomplete: "off", maxLength: 200 });
    this.ask({
      title: say("stop_phone"), action: sayCount("stop_them", chosen.length),
      fields: [h("p", {}, say("stop_list_hint")), field("reason", say("reason"), reason, say("stop_reason_hint"))],
      perform: async () => {
        await each(chosen, ({ phone }) => (
          call("POST", "suppressions", { body: { phone, reason: reason.value, source: "console" } })));
        return sayCount("were_stopped", chosen.length);
      },
    });
  }

  /**
   * Asks in a dialog for what is done to them, does it, and says what `perform` returns. Without fields there is
   * nothing to do, which `otherwise` says.
   * @param {object} asked
   * @param {string} asked.title
   * @param {Child} asked.fields
   * @param {string} [asked.otherwise]
   * @param {string} asked.action
   * @param {() => Promise<string>} asked.perform
   */
  ask({ title, fields, otherwise, action, perform }) {
    const box = problemBox();
    openDialog(title, (close) => {
      const submit = h("button", { type: "submit", hidden: fields === null }, action);
      const form = h("form", {}, fields ?? h("p", {}, otherwise), box,
        h("footer", {}, button(say("back"), close, { class: "secondary" }), submit));
      form.addEventListener("submit", async (event) => {
        event.preventDefault();
        let said = "";
        const done = await whileBusy(submit, box, async () => { said = await perform(); });
        this.reload();
        if (done) {
          close();
          this.finish(said);
        }
      });
      return form;
    }, this.signal);
  }

  delete() {
    const chosen = this.clients;
    confirmAction({
      title: sayCount("delete_clients_title", chosen.length), action: sayCount("delete_them", chosen.length),
      text: say("delete_clients_text"),
      perform: async () => {
        try {
          await each(chosen, ({ id }) => call("DELETE", `clients/${id}`));
        } finally {
          this.reload();
        }
        this.finish(sayCount("were_deleted", chosen.length));
      },
    }, this.signal);
  }

  /** @param {string} said */
  finish(said) {
    this.all.checked = false;
    this.chooseAll(false);
    announce(said);
  }
}

/**
 * Does something to one client after the other. Throws what the first failure throws; those before it are done.
 * @param {Client[]} clients
 * @param {(client: Client) => Promise<unknown>} act
 */
async function each(clients, act) {
  for (const client of clients) {
    await act(client);
  }
}
