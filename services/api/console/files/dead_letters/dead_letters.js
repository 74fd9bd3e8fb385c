/** The page of dead letters, for admins. Each load asks the broker, so it is loaded only when the user asks for it. */

/** @import { DeadLetters, Dropped, Replayed } from "api-types" */
/** @import { PageContext } from "../shared/router.js" */

import { call, get } from "../shared/api.js";
import { confirmAction } from "../shared/dialog.js";
import { button, h, setChildren, setText } from "../shared/elements.js";
import { select } from "../shared/fields.js";
import { formatClock, formatCountOf } from "../shared/format.js";
import { announce } from "../shared/notice.js";
import { problemBox, showProblem, whileBusy } from "../shared/problems.js";
import { heading } from "../shared/router.js";
import { may } from "../shared/session.js";
import { QUEUES } from "../shared/vocabulary.js";
import { LetterList } from "./letter_list.js";

const HINT = "Events, jobs and results that no process could handle, and jobs of exhausted messages. A replay sends "
  + "them back to work; an exhausted message gets a new round of attempts.";

/** @param {PageContext} context */
export async function showDeadLetters({ main, signal }) {
  if (!may("admin")) {
    main.append(heading("Dead letters"), h("p", {}, "This page needs a token with the role admin."));
    return;
  }
  const page = new DeadLetterPage(signal);
  main.append(page.element);
  await page.load();
}

class DeadLetterPage {
  /** @param {AbortSignal} signal */
  constructor(signal) {
    this.signal = signal;
    this.box = problemBox();
    this.asOf = h("span", { class: "hint" });
    this.queue = select([["", "All queues"], ...QUEUES], "", { "aria-label": "Queue", onchange: () => this.reload() });
    this.again = button("Refresh", () => this.reload(), { class: "small outline" });
    this.letters = new LetterList(() => this.load(), () => this.updateButtons());
    this.replayChosen = button("Replay selected", () => this.replay(false), { class: "small outline" });
    this.replayAll = button("Replay all", () => this.replay(true), { class: "small outline" });
    this.dropChosen = button("Drop selected", () => this.drop(false), { class: "small outline danger" });
    this.dropAll = button("Drop all", () => this.drop(true), { class: "small outline danger" });
    this.result = h("div", { role: "status" });
    this.element = h("div", {},
      h("div", { class: "head" }, heading("Dead letters"), h("div", { class: "tools" }, this.queue, this.again)),
      h("p", { class: "hint" }, HINT, " ", this.asOf),
      h("div", { class: "actions" }, this.replayChosen, this.replayAll, this.dropChosen, this.dropAll),
      this.box, this.result, this.letters.element);
    this.updateButtons();
  }

  reload() {
    this.letters.reset();
    return this.load();
  }

  async load() {
    await whileBusy(this.again, this.box, async () => {
      const query = { queue: this.queue.value || null, ...this.letters.query };
      /** @type {DeadLetters} */
      const page = await get("dead-letters", query, this.signal);
      this.letters.show(page);
      setText(this.asOf, `As of ${formatClock(Date.now())}.`);
    });
    this.letters.endLoading();
    this.updateButtons();
  }

  updateButtons() {
    const { chosen, length } = this.letters;
    this.replayChosen.disabled = this.dropChosen.disabled = chosen.length === 0;
    this.replayAll.disabled = this.dropAll.disabled = length === 0;
  }

  /**
   * Names the letters that are meant, in a question.
   * @param {boolean} all
   */
  describe(all) {
    const queue = this.queue.value ? `in ${this.queue.value}` : "in all queues";
    return all ? `all dead letters ${queue}` : formatCountOf(this.letters.chosen.length, "dead letter");
  }

  /** @param {boolean} all */
  replay(all) {
    confirmAction({
      title: "Replay dead letters?", action: "Replay", danger: false,
      text: `This sends ${this.describe(all)} back to work.`,
      perform: async () => {
        const body = all ? { all: true, queue: this.queue.value || null } : { ids: this.letters.chosen };
        /** @type {Replayed} */
        const found = await call("POST", "dead-letters/replay", { body });
        setChildren(this.result, outcomeOf(found));
        announce(`${formatCountOf(found.replayed, "dead letter")} replayed.`);
        await this.reload();
      },
    }, this.signal);
  }

  /** @param {boolean} all */
  drop(all) {
    confirmAction({
      title: "Drop dead letters?", action: "Drop",
      text: `This deletes ${this.describe(all)} for good. The database keeps the status of their messages.`,
      perform: async () => {
        const query = all ? { all: true, queue: this.queue.value || null } : { ids: this.letters.chosen.join(",") };
        /** @type {Dropped} */
        const { dropped } = await call("DELETE", "dead-letters", { query });
        setChildren(this.result);
        announce(`${formatCountOf(dropped, "dead letter")} dropped.`);
        await this.reload();
      },
    }, this.signal);
  }
}

/** @param {Replayed} found */
function outcomeOf({ replayed, refused, errors }) {
  const text = `${formatCountOf(replayed, "dead letter")} replayed, ${refused} refused.`;
  const box = h("div", {});
  if (refused) {
    showProblem(box, new Error(text), errors.map(({ id, detail }) => ({ loc: ["", id], msg: detail })));
  } else {
    setChildren(box, h("p", {}, text));
  }
  return box;
}
