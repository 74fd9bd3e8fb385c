/** Shows counts by status: as a bar, and as a row of figures. */

/** @import { ByStatus } from "api-types" */
/** @import { Outcome, Status } from "./vocabulary.js" */

import { h, setText } from "./elements.js";
import { STATUSES, UNSENT, WAITING } from "./vocabulary.js";
import { formatCount, say, sayOf } from "./words/language.js";

// Final messages grow from the left; waiting ones are on the right.
/** @type {Status[]} */
const ORDER = ["sent", ...UNSENT, ...WAITING];

/** A bar with a part for each status, changed in place. */
export class StatusBar {
  constructor() {
    this.parts = ORDER.map((status) => ({
      status, element: h("span", { class: `status-${status}`, title: sayOf("status", status) }),
    }));
    this.element = h("div", { class: "parts", role: "img" }, this.parts.map((part) => part.element));
  }

  /** @param {ByStatus} counts */
  update(counts) {
    for (const { status, element } of this.parts) {
      element.style.flexGrow = String(counts[status]);
      element.hidden = counts[status] === 0;
    }
    const some = STATUSES.filter((status) => counts[status] > 0);
    const label = some.map((status) => say("part_of_bar", {
      count: counts[status], status: sayOf("status", status),
    }));
    this.element.setAttribute("aria-label", label.join(", "));
  }
}

/** A figure for the total and one for each status, changed in place. */
export class StatusFigures {
  constructor() {
    this.total = h("dd", {}, "–");
    this.numbers = STATUSES.map((status) => ({ status, element: h("dd", {}, "–") }));
    this.element = h("dl", { class: "figures" },
      h("div", {}, h("dt", {}, say("total")), this.total),
      this.numbers.map(({ status, element }) => h("div", { title: say(`meaning_${status}`) },
        h("dt", {}, h("span", { class: `key status-${status}` }), sayOf("status", status)), element)));
  }

  /**
   * @param {ByStatus} counts
   * @param {number} total
   */
  update(counts, total) {
    setText(this.total, formatCount(total));
    for (const { status, element } of this.numbers) {
      setText(element, formatCount(counts[status]));
      element.classList.toggle("none", counts[status] === 0);
    }
  }
}

/** The state of a mailing or the status of a message, changed in place. */
export class Badge {
  /**
   * @param {"state" | "status"} family
   * @param {Outcome | Status | ""} [name]
   */
  constructor(family, name = "") {
    this.family = family;
    this.element = h("span", {});
    this.update(name);
  }

  /** @param {Outcome | Status | ""} name */
  update(name) {
    setText(this.element, name && sayOf(this.family, name));
    this.element.className = `badge status-${name}`;
  }
}
