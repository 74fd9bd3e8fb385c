/** The rows of conditions of a segment, with a live count of who meets them. */

/** @import { Preview } from "api-types" */
/** @import { Node } from "./values.js" */

import { call } from "../shared/api.js";
import { button, h, setChildren, setText } from "../shared/elements.js";
import { select } from "../shared/forms/fields.js";
import { expected, showProblem, problemBox } from "../shared/problems.js";
import { isAbort } from "../shared/api.js";
import { formatCount, say, sayCount } from "../shared/words/language.js";
import { ConditionRow } from "./condition_row.js";

const DELAY_MS = 500;
const DAY_MS = 86_400_000;
/** @type {Node} */
const MISSED = { not: [{ field: "message", mailing: 0, status: ["sent"] }] };

export class ConditionRows {
  /**
   * @param {Node} tree
   * @param {AbortSignal} signal
   */
  constructor(tree, signal) {
    this.signal = signal;
    const kind = tree.any ? "any" : "all";
    this.kind = select([["all", say("all_conditions")], ["any", say("any_condition")]], kind, {
      "aria-label": say("conditions"),
    });
    /** @type {Node[]} A group of which none may be met is all of the opposites. */
    const nodes = tree.all ?? tree.any ?? tree.not?.map((node) => ({ not: [node] })) ?? [];
    this.rows = nodes.map((node) => this.row(node));
    this.list = h("div", { class: "conditions" });
    this.count = h("strong", {}, "–");
    this.stopped = h("span", { class: "hint" });
    this.box = problemBox();
    this.timer = 0;
    this.asked = new AbortController();
    this.element = h("fieldset", { oninput: () => this.later(), onchange: () => this.later() },
      h("legend", {}, say("conditions")), this.kind, this.list,
      h("div", { class: "actions" },
        button(say("add_condition"), () => this.add({ field: "attribute" }), { class: "small outline" }),
        button(say("add_missed"), () => this.add(MISSED), { class: "small outline" })),
      h("p", { "aria-live": "polite", class: "count" }, say("matching_now"), this.count, this.stopped), this.box);
    this.draw();
    this.later();
  }

  /** @param {Node} node */
  row(node) {
    return new ConditionRow(node, (removed) => {
      this.rows = this.rows.filter((one) => one !== removed);
      this.draw();
      this.later();
    });
  }

  /** @param {Node} node */
  add(node) {
    const row = this.row(node);
    this.rows.push(row);
    this.draw();
    row.inputs.querySelector("input")?.focus();
    this.later();
  }

  draw() {
    const kind = this.kind.value;
    this.rows.forEach((row, index) => {
      row.element.dataset.loc = `filter.${kind}.${index}`;
    });
    setChildren(this.list, this.rows.map((row) => row.element));
  }

  /**
   * The tree as the API takes it.
   * @returns {Node}
   */
  get tree() {
    this.draw();
    return { [this.kind.value]: this.rows.map((row) => row.node) };
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
    if (!this.rows.length || this.signal.aborted) {
      setText(this.count, "–");
      return;
    }
    const nodes = this.rows.map((row) => row.node);
    const body = {
      text: "-", end_at: new Date(Date.now() + DAY_MS).toISOString(), window: null,
      filter: { [this.kind.value]: nodes },
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
