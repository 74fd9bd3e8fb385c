/** Lists in pages: rows that are changed in place, so that a click or the focus on one is never lost. */

import { h } from "./elements.js";

/** The rows of a table by a key. `make(item)` gives {element, update(item)}. */
export class Rows {
  constructor(make, key = (item) => item.id) {
    this.make = make;
    this.key = key;
    this.rows = new Map();
    this.body = h("tbody", {});
  }

  show(items) {
    const kept = new Map(items.map((item) => [this.key(item), this.rows.get(this.key(item)) ?? this.make(item)]));
    for (const [key, row] of this.rows) {
      if (!kept.has(key)) {
        row.element.remove();
      }
    }
    this.rows = kept;
    items.forEach((item, index) => {
      const { element, update } = kept.get(this.key(item));
      update?.(item);
      if (this.body.children[index] !== element) {
        this.body.insertBefore(element, this.body.children[index] ?? null);
      }
    });
  }
}

/** A table of such rows, with a sentence where there are none, and the buttons that turn its pages. */
export class List {
  /**
   * `heads` are texts, or [text, class]; `turned` is called when another page is wanted.
   * @param {{label: string, heads: Array<string | string[]>, empty: string, rows: Rows, turned: () => void}} given
   */
  constructor({ label, heads, empty, rows, turned }) {
    this.rows = rows;
    this.turned = turned;
    this.cursors = [null];
    this.next = null;
    this.wait = h("p", { "aria-busy": "true" }, "Loading");
    this.empty = h("p", { class: "empty", hidden: true }, empty);
    this.table = h("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": label, hidden: true },
      h("table", {}, h("thead", {}, h("tr", {}, heads.map((head) => column(head)))), rows.body));
    this.before = h("button", { type: "button", class: "small outline", onclick: () => this.turn(-1) }, "Previous");
    this.after = h("button", { type: "button", class: "small outline", onclick: () => this.turn(1) }, "Next");
    this.place = h("span", {});
    this.pager = h("nav", { class: "pager", "aria-label": `Pages of ${label.toLowerCase()}`, hidden: true },
      this.before, this.place, this.after);
    this.element = h("div", { class: "list" }, this.wait, this.empty, this.table, this.pager);
  }

  get cursor() {
    return this.cursors.at(-1);
  }

  /** Begin at the first page, such as with another filter. */
  reset() {
    this.cursors = [null];
    this.wait.hidden = false;
  }

  turn(step) {
    if (step > 0 && this.next !== null) {
      this.cursors.push(this.next);
      // Until the page has come, nobody knows what follows it.
      this.next = null;
    } else if (step < 0 && this.cursors.length > 1) {
      this.cursors.pop();
    }
    this.turned();
  }

  /** @param {{items: object[], next: string | null}} page */
  show(page) {
    this.rows.show(page.items);
    this.next = page.next;
    this.wait.hidden = true;
    this.empty.hidden = page.items.length > 0;
    this.table.hidden = !page.items.length;
    this.place.textContent = `Page ${this.cursors.length}`;
    this.offer(this.cursors.length > 1, page.next !== null);
  }

  /** A button that is switched off loses the focus: the other one takes it. */
  offer(before, after) {
    const focused = [this.before, this.after].find((button) => button === document.activeElement);
    this.before.disabled = !before;
    this.after.disabled = !after;
    this.pager.hidden = !before && !after;
    if (focused?.disabled) {
      (before ? this.before : this.after).focus();
    }
  }
}

function column(given) {
  const [text, kind] = Array.isArray(given) ? given : [given, null];
  return h("th", { scope: "col", class: kind }, text);
}
