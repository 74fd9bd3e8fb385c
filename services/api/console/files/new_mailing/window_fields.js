/** The window of a mailing: the hours of each client's local day in which it is sent. */

/** @import { Window } from "api-types" */

import { h, uniqueId } from "../shared/elements.js";
import { field } from "../shared/forms/fields.js";
import { say } from "../shared/words/language.js";

/** @type {Window["days"]} */
const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

export class WindowFields {
  /** @param {Window | null} window */
  constructor(window) {
    this.limited = h("input", {
      type: "checkbox", id: uniqueId("windowed"), checked: window !== null, onchange: () => this.update(),
    });
    this.days = window?.days ?? DAYS;
    this.from = h("input", { type: "time", value: window?.from ?? "09:00" });
    this.to = h("input", { type: "time", value: window?.to ?? "21:00" });
    this.hours = h("div", { class: "columns" },
      field("window.from", say("from"), this.from), field("window.to", say("to"), this.to));
    this.element = h("fieldset", { "data-loc": "window" }, h("legend", {}, say("window")),
      h("label", { for: this.limited.id }, this.limited, say("window_only")),
      h("small", { class: "wrong" }), this.hours);
    this.update();
  }

  /** @returns {Window | null} */
  get value() {
    if (!this.limited.checked) return null;
    // The days are chosen elsewhere, and stay as they are.
    return { from: this.from.value, to: this.to.value, days: this.days };
  }

  update() {
    this.hours.hidden = !this.limited.checked;
  }
}
