/** Dead letters, for admins. Each look asks the broker, so nobody looks unless it is wanted. */

import { call, get } from "../shared/api.js";
import { announce, confirm, problemPlace, showProblem, work } from "../shared/dialog.js";
import { fill, h, number, say } from "../shared/elements.js";
import { select } from "../shared/fields.js";
import { clock, several, time } from "../shared/format.js";
import { List, Rows } from "../shared/paged_list.js";
import { heading, link } from "../shared/router.js";
import { may } from "../shared/session.js";
import { QUEUES } from "../shared/vocabulary.js";

// The API drops no more than this by their ids at once.
const LIMIT = 50;

export async function letters({ main, signal }) {
  if (!may("admin")) {
    main.append(heading("Dead letters"), h("p", {}, "This needs a token with the role admin."));
    return;
  }
  const view = new Letters(signal);
  main.append(view.element);
  await view.look();
}

class Letters {
  constructor(signal) {
    this.signal = signal;
    this.chosen = new Set();
    this.place = problemPlace();
    this.asOf = h("span", { class: "hint" });
    this.queue = select([["", "All queues"], ...QUEUES.map((queue) => [queue, queue])], "", {
      "aria-label": "Queue", onchange: () => this.anew(),
    });
    this.again = h("button", { type: "button", class: "small outline", onclick: () => this.anew() }, "Look again");
    this.list = new List({
      label: "Dead letters", empty: "No dead letter waits.", turned: () => this.look(),
      heads: ["", "Queue", "Reason", ["Mailing", "number"], ["Message", "number"], "Since"],
      rows: new Rows((letter) => this.row(letter)),
    });
    this.replaySome = this.button("Replay chosen", () => this.replay());
    this.replayAll = this.button("Replay all", () => this.replay(true));
    this.dropSome = this.button("Drop chosen", () => this.drop(), "danger");
    this.dropAll = this.button("Drop all", () => this.drop(true), "danger");
    this.result = h("div", { role: "status" });
    this.element = h("div", {},
      h("div", { class: "head" }, heading("Dead letters"), h("div", { class: "tools" }, this.queue, this.again)),
      h("p", { class: "hint" }, "What no process could work on, and jobs of messages whose attempts are used up. ",
        "Replayed, it goes back to work, and an exhausted message gets a new round. ", this.asOf),
      h("div", { class: "actions" }, this.replaySome, this.replayAll, this.dropSome, this.dropAll),
      this.place, this.result, this.list.element);
    this.count();
  }

  button(text, onclick, kind = "") {
    return h("button", { type: "button", class: `small outline ${kind}`, onclick }, text);
  }

  anew() {
    this.list.reset();
    return this.look();
  }

  async look() {
    await work(this.again, this.place, async () => {
      const query = { queue: this.queue.value || null, limit: LIMIT, cursor: this.list.cursor };
      const page = await get("dead-letters", query, this.signal);
      const there = new Set(page.items.map((letter) => letter.id));
      this.chosen = new Set([...this.chosen].filter((id) => there.has(id)));
      this.list.show(page);
      say(this.asOf, `As of ${clock(Date.now())}.`);
    });
    this.list.wait.hidden = true;
    this.count();
  }

  row(letter) {
    const box = h("input", {
      type: "checkbox", "aria-label": `Choose the letter of message ${letter.message_id ?? "unknown"}`,
      onchange: () => {
        box.checked ? this.chosen.add(letter.id) : this.chosen.delete(letter.id);
        this.count();
      },
    });
    const mailing = letter.mailing_id === null ? "–"
      : h("a", { href: link(`mailings/${letter.mailing_id}`) }, letter.mailing_id);
    return { element: h("tr", {}, h("td", {}, box), h("td", {}, letter.queue), h("td", {}, letter.reason),
      number(mailing), number(letter.message_id ?? "–"), h("td", { class: "moment" }, time(letter.at))) };
  }

  count() {
    const none = this.list.rows.rows.size === 0;
    this.replaySome.disabled = this.dropSome.disabled = this.chosen.size === 0;
    this.replayAll.disabled = this.dropAll.disabled = none;
  }

  /** How the letters that are meant are called, in a question. */
  named(all) {
    const queue = this.queue.value ? `in ${this.queue.value}` : "in all queues";
    return all ? `all dead letters ${queue}` : several(this.chosen.size, "dead letter");
  }

  replay(all = false) {
    confirm({
      title: "Replay?", text: `Send ${this.named(all)} back to work?`, action: "Replay", danger: false,
      doing: async () => {
        const which = all ? { all: true, queue: this.queue.value || null } : { ids: [...this.chosen] };
        const found = await call("POST", "dead-letters/replay", { body: which });
        fill(this.result, outcomeOf(found));
        announce(`${several(found.replayed, "dead letter")} replayed.`);
        await this.anew();
      },
    }, this.signal);
  }

  drop(all = false) {
    confirm({
      title: "Drop?", text: `Drop ${this.named(all)}? They are gone for good; the tables still say what became of the `
        + "messages.", action: "Drop",
      doing: async () => {
        const which = all ? { all: true, queue: this.queue.value || null } : { ids: [...this.chosen].join(",") };
        const { dropped } = await call("DELETE", "dead-letters", { query: which });
        fill(this.result);
        announce(`${several(dropped, "dead letter")} dropped.`);
        await this.anew();
      },
    }, this.signal);
  }
}

function outcomeOf({ replayed, refused, errors }) {
  const text = `${several(replayed, "letter")} replayed, ${refused} refused.`;
  const list = h("div", {});
  if (refused) {
    showProblem(list, new Error(text), errors.map(({ id, detail }) => ({ loc: ["", id], msg: detail })));
  } else {
    fill(list, h("p", {}, text));
  }
  return list;
}
