/** The window of a mailing: the hours of each client's local day, and the days of their week, in which it is sent. */

/** @import { Window } from "api-types" */

import { h, uniqueId } from "../shared/elements.js";
import { checkbox, field } from "../shared/forms/fields.js";
import { WEEKDAYS, weekdayName } from "../shared/format.js";
import { say } from "../shared/words/language.js";

export class WindowFields {
  /** @param {Window | null} window */
  constructor(window) {
    this.limited = h("input", {
      type: "checkbox", id: uniqueId("windowed"), checked: window !== null, onchange: () => this.update(),
    });
    this.from = h("input", { type: "time", value: window?.from ?? "09:00" });
    this.to = h("input", { type: "time", value: window?.to ?? "21:00" });
    this.days = WEEKDAYS.map((day) => ({ day, ...checkbox(weekdayName(day), window?.days.includes(day) ?? true) }));
    this.usual = h("p", { class: "hint", hidden: true }, say("usual_window"));
    this.hours = h("div", {},
      h("div", { class: "columns" },
        field("window.from", say("from"), this.from), field("window.to", say("to"), this.to)),
      h("div", { class: "days", role: "group", "aria-label": say("window_days"), "data-loc": "window.days" },
        this.days.map(({ element }) => element), h("small", { class: "wrong" })),
      h("p", { class: "hint" }, say("window_days_hint")), this.usual);
    this.element = h("fieldset", { "data-loc": "window" }, h("legend", {}, say("window")),
      h("label", { for: this.limited.id }, this.limited, say("window_only")),
      h("small", { class: "wrong" }), this.hours);
    this.touched = false;
    this.element.addEventListener("input", () => {
      this.touched = true;
      this.usual.hidden = true;
    });
    this.update();
  }

  /**
   * Fills in the window that mailings have which name none, unless somebody was faster.
   * @param {Window | null} window
   */
  propose(window) {
    if (window === null || this.touched) {
      return;
    }
    this.limited.checked = true;
    this.from.value = window.from;
    this.to.value = window.to;
    for (const { day, input } of this.days) {
      input.checked = window.days.includes(day);
    }
    this.usual.hidden = false;
    this.update();
  }

  /** @returns {Window | null} */
  get value() {
    if (!this.limited.checked) {
      return null;
    }
    const days = this.days.filter(({ input }) => input.checked).map(({ day }) => day);
    return { from: this.from.value, to: this.to.value, days };
  }

  update() {
    this.hours.hidden = !this.limited.checked;
  }
}
