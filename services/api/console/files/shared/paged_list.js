/** Lists in pages, whose rows are changed in place, so that a click or the focus on one is never lost. */

/** @import { Head } from "./elements.js" */

import { button, h, table } from "./elements.js";
import { recall, remember } from "./router.js";
import { say } from "./words/language.js";

// No cursor has it.
const BETWEEN = "~";

/** @param {string | null} kept */
function cursorsIn(kept) {
  return kept?.split(BETWEEN) ?? [];
}

/**
 * A row of a table: its element, and what changes it in place.
 * @template Item
 * @typedef {{element: HTMLTableRowElement, update?: (item: Item) => void}} Row
 */

/**
 * Rows of a table by the ids of their items.
 * @template {{id: number | string}} Item
 */
class KeyedRows {
  /** @param {(item: Item) => Row<Item>} make */
  constructor(make) {
    this.make = make;
    /** @type {Map<number | string, Row<Item>>} */
    this.rows = new Map();
    this.body = h("tbody", {});
  }

  /** @param {Item[]} items */
  show(items) {
    const kept = new Map(items.map((item) => [item.id, this.rows.get(item.id) ?? this.make(item)]));
    for (const [id, row] of this.rows) {
      if (!kept.has(id)) {
        row.element.remove();
      }
    }
    this.rows = kept;
    items.forEach((item, index) => {
      const row = /** @type {Row<Item>} */ (kept.get(item.id));
      row.update?.(item);
      if (this.body.children[index] !== row.element) {
        this.body.insertBefore(row.element, this.body.children[index] ?? null);
      }
    });
  }
}

/**
 * A table of items, with a sentence where there are none, and buttons that turn the pages.
 * @template {{id: number | string}} Item
 */
export class PagedList {
  /**
   * @param {object} options
   * @param {string} options.label
   * @param {Head[]} options.heads
   * @param {string} options.empty
   * @param {(item: Item) => Row<Item>} options.row Makes the row of an item.
   * @param {() => void} options.onturn Loads the page of `cursor`.
   * @param {string} [options.kept] The parameter of the address that keeps the page, where one does.
   */
  constructor({ label, heads, empty, row, onturn, kept }) {
    this.onturn = onturn;
    this.kept = kept ?? null;
    /** @type {Array<string | null>} */
    this.cursors = [null, ...(kept === undefined ? [] : cursorsIn(recall(kept)))];
    /** @type {string | null} */
    this.next = null;
    this.rows = new KeyedRows(row);
    this.loading = h("p", { "aria-busy": "true" }, say("loading"));
    this.empty = h("p", { class: "empty", hidden: true }, empty);
    this.table = table(label, heads, this.rows.body);
    this.table.hidden = true;
    this.previousButton = button(say("previous"), () => this.turn(-1), { class: "small outline" });
    this.nextButton = button(say("next"), () => this.turn(1), { class: "small outline" });
    this.number = h("span", {});
    this.pager = h("nav", { class: "pager", "aria-label": say("pages_of", { list: label }), hidden: true },
      this.previousButton, this.number, this.nextButton);
    this.element = h("div", { class: "list" }, this.loading, this.empty, this.table, this.pager);
  }

  /** The cursor of the page that is shown, null for the first. */
  get cursor() {
    return this.cursors.at(-1) ?? null;
  }

  /** How many items are shown. */
  get length() {
    return this.rows.rows.size;
  }

  /** Goes back to the first page, such as for another filter. */
  reset() {
    this.cursors = [null];
    this.loading.hidden = false;
    this.keep();
  }

  /** Keeps the page in the address. */
  keep() {
    if (this.kept !== null) {
      remember(this.kept, this.cursors.slice(1).join(BETWEEN));
    }
  }

  /** @param {1 | -1} step */
  turn(step) {
    if (step > 0 && this.next !== null) {
      this.cursors.push(this.next);
      // The cursor after this page is unknown until the page has come.
      this.next = null;
    } else if (step < 0 && this.cursors.length > 1) {
      this.cursors.pop();
    }
    this.keep();
    this.onturn();
  }

  /** @param {{items: Item[], next: string | null}} page */
  show(page) {
    this.rows.show(page.items);
    this.next = page.next;
    this.loading.hidden = true;
    this.empty.hidden = page.items.length > 0;
    this.table.hidden = !page.items.length;
    this.number.textContent = say("page_number", { number: this.cursors.length });
    this.enable(this.cursors.length > 1, page.next !== null);
  }

  /**
   * Switches the buttons. One that is switched off loses the focus: the other one takes it.
   * @param {boolean} previous
   * @param {boolean} next
   */
  enable(previous, next) {
    const focused = [this.previousButton, this.nextButton].find((one) => one === document.activeElement);
    this.previousButton.disabled = !previous;
    this.nextButton.disabled = !next;
    this.pager.hidden = !previous && !next;
    if (focused?.disabled) {
      (previous ? this.previousButton : this.nextButton).focus();
    }
  }
}
