/** The list of dead letters, of which some can be chosen. */

/** @import { DeadLetter, DeadLetters } from "api-types" */
/** @import { Head } from "../shared/elements.js" */

import { h, numberCell } from "../shared/elements.js";
import { timeElement } from "../shared/format.js";
import { PagedList } from "../shared/paged_list.js";
import { link } from "../shared/router.js";
import { describeReason, say } from "../shared/words/language.js";

// The API drops at most this many by their ids in one request.
const LIMIT = 50;
/** @type {Head[]} */
const HEADS = [[say("choose"), "unseen"], say("queue"), say("reason"), [say("mailing"), "number"],
  [say("message"), "number"], say("since")];

export class LetterList {
  /**
   * @param {() => void} onturn Loads the page that `query` names.
   * @param {() => void} onchoose
   */
  constructor(onturn, onchoose) {
    this.onchoose = onchoose;
    /** @type {Set<string>} */
    this.chosenIds = new Set();
    /** @type {PagedList<DeadLetter>} */
    this.list = new PagedList({
      label: say("dead_letters"), heads: HEADS, empty: say("no_letters"), onturn, row: (letter) => this.row(letter),
    });
    this.element = this.list.element;
  }

  /** The ids of the letters that are chosen. */
  get chosen() {
    return [...this.chosenIds];
  }

  /** How many letters are shown. */
  get length() {
    return this.list.length;
  }

  /** The parameters of the page that is wanted. */
  get query() {
    return { limit: LIMIT, cursor: this.list.cursor };
  }

  reset() {
    this.list.reset();
  }

  endLoading() {
    this.list.loading.hidden = true;
  }

  /** @param {DeadLetters} page */
  show(page) {
    const there = new Set(page.items.map((letter) => letter.id));
    this.chosenIds = new Set(this.chosen.filter((id) => there.has(id)));
    this.list.show(page);
  }

  /** @param {DeadLetter} letter */
  row(letter) {
    /** @type {HTMLInputElement} */
    const box = h("input", {
      type: "checkbox", "aria-label": labelOf(letter),
      onchange: () => this.choose(letter.id, box.checked),
    });
    const mailing = letter.mailing_id === null ? "–"
      : h("a", { href: link(`mailings/${letter.mailing_id}`) }, letter.mailing_id);
    const element = h("tr", {}, h("td", {}, box), h("td", {}, letter.queue), h("td", {}, describeReason(letter.reason)),
      numberCell(mailing), numberCell(letter.message_id ?? "–"), h("td", { class: "moment" }, timeElement(letter.at)));
    return { element };
  }

  /**
   * @param {string} id
   * @param {boolean} chosen
   */
  choose(id, chosen) {
    if (chosen) {
      this.chosenIds.add(id);
    } else {
      this.chosenIds.delete(id);
    }
    this.onchoose();
  }
}

/** @param {DeadLetter} letter */
function labelOf({ message_id: id }) {
  return id === null ? say("select_letter_unknown") : say("select_letter", { id: String(id) });
}
