/** The page of dead letters, for admins. Each load asks the broker, so it is loaded only when the user asks for it. */

/** @import { DeadLetters, Dropped, Replayed } from "api-types" */
/** @import { PageContext } from "../shared/router.js" */

import { call, get } from "../shared/api.js";
import { confirmAction } from "../shared/dialog.js";
import { button, h, setChildren, setText } from "../shared/elements.js";
import { select } from "../shared/forms/fields.js";
import { formatClock } from "../shared/format.js";
import { announce } from "../shared/notice.js";
import { problemBox, showProblem, whileBusy } from "../shared/problems.js";
import { heading } from "../shared/router.js";
import { may } from "../shared/access/session.js";
import { QUEUES } from "../shared/vocabulary.js";
import { LetterList } from "./letter_list.js";
import { say, sayCount } from "../shared/words/language.js";

/** @param {PageContext} context */
export async function showDeadLetters({ main, signal }) {
  if (!may("admin")) {
    main.append(heading(say("dead_letters")), h("p", {}, say("needs_admin")));
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
    this.queue = select([["", say("all_queues")], ...QUEUES], "", {
      "aria-label": say("queue"), onchange: () => this.reload(),
    });
    this.again = button(say("refresh"), () => this.reload(), { class: "small outline" });
    this.letters = new LetterList(() => this.load(), () => this.updateButtons());
    this.replayChosen = button(say("replay_selected"), () => this.replay(false), { class: "small outline" });
    this.replayAll = button(say("replay_all"), () => this.replay(true), { class: "small outline" });
    this.dropChosen = button(say("drop_selected"), () => this.drop(false), { class: "small outline danger" });
    this.dropAll = button(say("drop_all"), () => this.drop(true), { class: "small outline danger" });
    this.result = h("div", { role: "status" });
    this.element = h("div", {},
      h("div", { class: "head" }, heading(say("dead_letters")), h("div", { class: "tools" }, this.queue, this.again)),
      h("p", { class: "hint" }, say("letters_hint"), " ", this.asOf),
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
      setText(this.asOf, say("as_of", { clock: formatClock(Date.now()) }));
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
   * Says what would be done to which letters, for a question.
   * @param {"replay" | "drop"} action
   * @param {boolean} all
   */
  describe(action, all) {
    const queue = this.queue.value;
    if (!all) {
      return sayCount(`${action}_some`, this.letters.chosen.length);
    }
    return queue ? say(`${action}_queue`, { queue }) : say(`${action}_every`);
  }

  /** @param {boolean} all */
  replay(all) {
    confirmAction({
      title: say("replay_title"), action: say("replay"), danger: false,
      text: this.describe("replay", all),
      perform: async () => {
        const body = all ? { all: true, queue: this.queue.value || null } : { ids: this.letters.chosen };
        /** @type {Replayed} */
        const found = await call("POST", "dead-letters/replay", { body });
        setChildren(this.result, outcomeOf(found));
        announce(sayCount("replayed", found.replayed));
        await this.reload();
      },
    }, this.signal);
  }

  /** @param {boolean} all */
  drop(all) {
    confirmAction({
      title: say("drop_title"), action: say("drop"),
      text: this.describe("drop", all),
      perform: async () => {
        const query = all ? { all: true, queue: this.queue.value || null } : { ids: this.letters.chosen.join(",") };
        /** @type {Dropped} */
        const { dropped } = await call("DELETE", "dead-letters", { query });
        setChildren(this.result);
        announce(sayCount("dropped", dropped));
        await this.reload();
      },
    }, this.signal);
  }
}

/** @param {Replayed} found */
function outcomeOf({ replayed, refused, errors }) {
  const text = sayCount("replayed_refused", replayed, { refused });
  const box = h("div", {});
  if (refused) {
    showProblem(box, new Error(text), errors.map(({ id, detail }) => ({ loc: ["", id], msg: detail })));
  } else {
    setChildren(box, h("p", {}, text));
  }
  return box;
}
