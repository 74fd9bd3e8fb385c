/** Counts who meets the conditions of a segment while they are written. */

/** @import { Preview } from "api-types" */
/** @import { ConditionRows } from "./condition_rows.js" */

import { call, isAbort } from "../shared/api.js";
import { h, setChildren, setText } from "../shared/elements.js";
import { expected, problemBox, showProblem } from "../shared/problems.js";
import { formatCount, say, sayCount } from "../shared/words/language.js";

const DELAY_MS = 500;
const DAY_MS = 86_400_000;

export class LiveCount {
  /**
   * @param {ConditionRows} rows
   * @param {AbortSignal} signal
   */
  constructor(rows, signal) {
    this.rows = rows;
    this.signal = signal;
    this.count = h("strong", {}, "–");
    this.stopped = h("span", { class: "hint" });
    this.box = problemBox();
    this.timer = 0;
    this.asked = new AbortController();
    this.element = h("div", {},
      h("p", { "aria-live": "polite", class: "count" }, say("matching_now"), this.count, this.stopped), this.box);
    for (const kind of ["input", "change"]) {
      rows.element.addEventListener(kind, () => this.later());
    }
    this.later();
  }

  /** Counts once nothing was typed for a moment. */
  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), DELAY_MS);
  }

  async ask() {
    this.asked.abort();
    this.asked = new AbortController();
    const signal = AbortSignal.any([this.signal, this.asked.signal]);
    setText(this.stopped, "");
    setChildren(this.box);
    if (!this.rows.isWritten || this.signal.aborted) {
      setText(this.count, "–");
      return;
    }
    const body = {
      text: "-", end_at: new Date(Date.now() + DAY_MS).toISOString(), window: null, filter: this.rows.tree,
    };
    try {
      /** @type {Preview} */
      const found = await call("POST", "mailings/preview", { body, signal });
      setText(this.count, formatCount(found.recipients));
      setText(this.stopped, found.opted_out > 0 ? sayCount("more_stopped", found.opted_out) : "");
    } catch (error) {
      if (!isAbort(error)) {
        setText(this.count, "–");
        showProblem(this.box, expected(error));
      }
    }
  }
}
