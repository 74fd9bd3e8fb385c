/** The fields of a mailing, for a new one and for an edit. */

import { Chips } from "../shared/chip_input.js";
import { known, showProblem } from "../shared/dialog.js";
import { fill, freshId, h, say } from "../shared/elements.js";
import { clearErrors, field, select, showErrors } from "../shared/fields.js";
import { HOME_ZONE, count } from "../shared/format.js";
import { toLocal, toMoment, zones } from "../shared/time_zones.js";
import { EDITABLE } from "../shared/vocabulary.js";

export const MOST_CHARACTERS = 2000;
const DAY_MS = 86_400_000;

/** Send what the form says, and show what is wrong with it at its fields. */
export async function asking(form, place, send, { body, errors } = form.values()) {
  form.clear();
  try {
    if (errors.length) {
      form.showErrors(errors);
    } else {
      await send(body);
    }
  } catch (error) {
    showProblem(place, known(error), form.showErrors(error.errors ?? []));
  }
}

export class MailingForm {
  /** @param {{mailing?: object | null, onchange?: () => void}} options `mailing` is the one to edit. */
  constructor({ mailing = null, onchange = () => {} }) {
    this.mailing = mailing;
    this.may = new Set(EDITABLE[mailing?.status ?? "scheduled"]);
    this.makeText();
    this.makeFilter(onchange);
    this.makeTimes();
    this.makeWindow();
    this.element = h("div", { oninput: onchange, onchange },
      this.textField, this.may.has("filter") && this.filterField, this.timesField, this.windowField);
    this.initial = this.values();
  }

  makeText() {
    const counter = h("span", {});
    this.text = h("textarea", { rows: 4, oninput: () => counted(), value: this.mailing?.text ?? "" });
    const counted = () => {
      // The API counts characters, of which an emoji is one.
      const length = [...this.text.value].length;
      say(counter, `${count(length)} of ${count(MOST_CHARACTERS)} characters`);
      counter.classList.toggle("wrong", length > MOST_CHARACTERS);
    };
    counted();
    this.textField = field("text", "Text", this.text, { hint: counter });
  }

  makeFilter(onchange) {
    const filter = this.mailing?.filter ?? { operator_codes: [], tags: [] };
    const everybody = h("p", { class: "note" }, "No condition: every client is meant.");
    const changed = () => {
      everybody.hidden = this.codes.values().length + this.tags.values().length > 0;
      onchange();
    };
    this.codes = new Chips({ values: filter.operator_codes, name: (code) => code, placeholder: "916, 903" });
    this.tags = new Chips({ values: filter.tags, name: (tag) => tag || "(no tag)", placeholder: "vip" });
    this.codes.onchange = this.tags.onchange = changed;
    everybody.hidden = filter.operator_codes.length + filter.tags.length > 0;
    this.filterField = h("fieldset", {}, h("legend", {}, "To whom"),
      h("div", { class: "columns" },
        chipField("filter.operator_codes", "Operator codes", this.codes, "Any of these. Enter or a comma ends each."),
        chipField("filter.tags", "Tags", this.tags, "Any of these, and one of the operator codes.")),
      everybody);
  }

  makeTimes() {
    const { mailing } = this;
    this.zone = select(zones().map((zone) => [zone, zone]), HOME_ZONE, { onchange: () => this.moveZone() });
    this.shownZone = HOME_ZONE;
    const start = mailing ? toLocal(mailing.start_at, HOME_ZONE) : "";
    const end = toLocal(mailing?.end_at ?? new Date(Date.now() + DAY_MS).toISOString(), HOME_ZONE);
    this.start = momentInput(start, () => this.zone.value, "It starts at once.");
    this.end = momentInput(end, () => this.zone.value, "");
    this.timesField = h("fieldset", {}, h("legend", {}, "When"),
      h("div", { class: "columns" },
        this.may.has("start_at")
          && field("start_at", "Start (empty: now)", this.start.input, { hint: this.start.hint }),
        field("end_at", "End", this.end.input, { hint: this.end.hint }),
        field("zone", "Time zone of start and end", this.zone)));
  }

  /** The moments stay, and are written anew on the clock of the other zone. */
  moveZone() {
    for (const { input, show } of [this.start, this.end]) {
      const { moment } = input.value ? toMoment(input.value, this.shownZone) : { moment: null };
      if (moment !== null) {
        input.value = toLocal(moment, this.zone.value);
      }
      show();
    }
    this.shownZone = this.zone.value;
  }

  makeWindow() {
    const window = this.mailing?.window ?? null;
    this.windowed = h("input", { type: "checkbox", id: freshId("windowed"), checked: window !== null });
    this.opens = h("input", { type: "time", value: window?.from ?? "09:00" });
    this.closes = h("input", { type: "time", value: window?.to ?? "21:00" });
    const hours = h("div", { class: "columns", hidden: window === null },
      field("window.from", "From", this.opens), field("window.to", "To", this.closes));
    this.windowed.addEventListener("change", () => {
      hours.hidden = !this.windowed.checked;
    });
    this.windowField = h("fieldset", { "data-loc": "window" }, h("legend", {}, "Window"),
      h("label", { for: this.windowed.id }, this.windowed, "Only in these hours of each client's local day"),
      h("small", { class: "wrong" }), hours);
  }

  /** What the fields say, each as the body has it, and what is wrong before the API is asked. */
  values() {
    const errors = [];
    const moment = (name, input) => {
      const read = input.value ? toMoment(input.value, this.zone.value) : { moment: undefined };
      if (read.moment === null) {
        errors.push({ loc: ["body", name], msg: read.note });
      }
      return read.moment ?? undefined;
    };
    const window = this.windowed.checked ? { from: this.opens.value, to: this.closes.value } : null;
    const body = {
      text: this.text.value,
      start_at: moment("start_at", this.start.input),
      end_at: moment("end_at", this.end.input),
      filter: { operator_codes: this.codes.values(), tags: this.tags.values() },
      window,
    };
    return { body, errors };
  }

  /** The fields that differ from those of the mailing, and may. */
  changes() {
    const { body, errors } = this.values();
    const before = this.initial.body;
    const changed = Object.keys(body).filter((name) => this.may.has(name)
      && JSON.stringify(body[name]) !== JSON.stringify(before[name]) && !this.sameMoment(body[name], before[name]));
    return { body: Object.fromEntries(changed.map((name) => [name, body[name]])), errors };
  }

  /** Another zone writes the same moment with another offset. */
  sameMoment(one, other) {
    return typeof one === "string" && typeof other === "string" && !Number.isNaN(Date.parse(one))
      && Date.parse(one) === Date.parse(other);
  }

  clear() {
    clearErrors(this.element);
  }

  /** Show errors at their fields; returns the others. */
  showErrors(errors) {
    return showErrors(this.element, errors);
  }
}

function chipField(loc, label, chips, hint) {
  const made = field(loc, label, chips.input, { hint });
  chips.input.replaceWith(chips.element);
  chips.element.append(chips.input);
  return made;
}

/** A local time, with the moment it means in UTC. */
function momentInput(value, zone, without) {
  const hint = h("span", {});
  const show = () => {
    const { moment, note } = input.value ? toMoment(input.value, zone()) : { moment: null, note: without };
    const utc = moment === null ? "" : `${new Date(moment).toISOString().slice(0, 16).replace("T", " ")} UTC. `;
    fill(hint, utc + note);
  };
  const input = h("input", { type: "datetime-local", value, oninput: show });
  show();
  return { input, hint, show };
}
