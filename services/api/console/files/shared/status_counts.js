/** Counts by status: as a bar, and as a row of figures. */

import { h, say } from "./elements.js";
import { count } from "./format.js";
import { MEANING, STATUSES, UNSENT, WAITING } from "./vocabulary.js";

// What is done grows from the left; what waits is on the right.
const ORDER = ["sent", ...UNSENT, ...WAITING];

/** A bar with a part for each status, changed in place. */
export class Bar {
  constructor() {
    this.parts = ORDER.map((status) => h("span", { class: `status-${status}`, title: status }));
    this.element = h("div", { class: "parts", role: "img" }, this.parts);
  }

  update(counts) {
    ORDER.forEach((status, index) => {
      this.parts[index].style.flexGrow = String(counts[status]);
      this.parts[index].hidden = counts[status] === 0;
    });
    const some = STATUSES.filter((status) => counts[status] > 0);
    this.element.setAttribute("aria-label", some.map((status) => `${count(counts[status])} ${status}`).join(", "));
  }
}

/** A figure for each status and one for all of them, changed in place. */
export class Figures {
  constructor() {
    this.numbers = new Map();
    this.element = h("dl", { class: "figures" }, ["total", ...STATUSES].map((name) => this.figure(name)));
  }

  figure(name) {
    const number = h("dd", {}, "–");
    this.numbers.set(name, number);
    const key = STATUSES.includes(name) && h("span", { class: `key status-${name}` });
    return h("div", { title: MEANING[name] }, h("dt", {}, key, name), number);
  }

  update(counts, total) {
    say(this.numbers.get("total"), count(total));
    for (const status of STATUSES) {
      const number = this.numbers.get(status);
      say(number, count(counts[status]));
      number.classList.toggle("none", counts[status] === 0);
    }
  }
}

/** The state of a mailing or the status of a message, changed in place. */
export class Badge {
  constructor(text = "") {
    this.element = h("span", {});
    this.update(text);
  }

  update(text) {
    say(this.element, text);
    this.element.className = `badge status-${text}`;
  }
}

/** How fast a growing number grows, over the last seconds. */
export class Speed {
  samples = [];

  add(value, at = Date.now()) {
    if (this.samples.length && value < this.samples.at(-1).value) {
      this.samples = [];
    }
    this.samples.push({ value, at });
    this.samples = this.samples.filter((sample) => at - sample.at <= 15_000);
  }

  /** A second, or null where it cannot be told yet. */
  get rate() {
    const [first, last] = [this.samples[0], this.samples.at(-1)];
    return first && last.at - first.at >= 1000 ? ((last.value - first.value) * 1000) / (last.at - first.at) : null;
  }
}
