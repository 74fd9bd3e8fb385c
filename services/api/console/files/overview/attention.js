/** What needs somebody's attention, and what comes next: each a sentence with a link to its mailing. */

/** @import { Attention, Upcoming } from "api-types" */
/** @import { Child } from "../shared/elements.js" */

import { h, setChildren } from "../shared/elements.js";
import { formatMoment } from "../shared/format.js";
import { link } from "../shared/router.js";
import { may } from "../shared/access/session.js";
import { formatCount, formatShare, say, sayWith } from "../shared/words/language.js";

/** @type {Array<Attention["code"]>} */
const BAD = ["held_up", "broker_away", "nothing_sent", "ends_unsent"];

/**
 * A list that is drawn again where its items have changed.
 * @template Item
 */
class Sentences {
  /**
   * @param {string} empty
   * @param {string} kind The class of the list.
   * @param {(item: Item) => HTMLElement} draw
   */
  constructor(empty, kind, draw) {
    this.draw = draw;
    this.drawn = "";
    this.kind = kind;
    this.empty = empty;
    this.element = h("div", {}, h("p", { class: "empty" }, "–"));
  }

  /** @param {Item[]} items */
  update(items) {
    const key = JSON.stringify(items);
    if (key !== this.drawn) {
      this.drawn = key;
      setChildren(this.element, items.length ? h("ul", { class: this.kind }, items.map(this.draw))
        : h("p", { class: "empty" }, this.empty));
    }
  }
}

/** @extends {Sentences<Attention>} */
export class AttentionList extends Sentences {
  constructor() {
    super(say("no_attention"), "attention", (one) => (
      h("li", { class: BAD.includes(one.code) ? "bad" : null }, describe(one))));
  }
}

/** @extends {Sentences<Upcoming>} */
export class UpcomingList extends Sentences {
  constructor() {
    super(say("no_upcoming"), "upcoming", ({ what, mailing_id: id, title, at }) => (
      h("li", {}, sayWith(`upcoming_${what}`, { mailing: linkTo(id, title), at: time(at) }))));
  }
}

/**
 * @param {Attention} attention
 * @returns {Child}
 */
function describe({ code, mailing_id: id, title, count, share, at }) {
  return sayWith(`attention_${code}`, {
    mailing: id === null ? "" : linkTo(id, title ?? ""),
    count: count === null ? "" : formatCount(count),
    share: share === null ? "" : formatShare(share),
    at: at === null ? "" : time(at),
    letters: may("admin") ? h("a", { href: "#/dead-letters" }, say("dead_letters")) : say("dead_letters"),
  });
}

/**
 * @param {number} id
 * @param {string} title
 */
function linkTo(id, title) {
  return h("a", { href: link(`mailings/${id}`) }, say("mailing_named", { id: String(id), name: title }));
}

/** @param {string} iso */
function time(iso) {
  return h("time", { datetime: iso, title: iso }, formatMoment(iso));
}
