/** The start and the end of a mailing, as local times of a zone that can be chosen. */

/** @import { FieldError } from "api-types" */

import { button, h, setText } from "../shared/elements.js";
import { field, select } from "../shared/forms/fields.js";
import { HOME_ZONE } from "../shared/format.js";
import { toLocal, toMoment, zoneNames } from "../shared/forms/time_zones.js";
import { say, sentences } from "../shared/words/language.js";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const EVENING = "21:00";

export class TimeFields {
  /**
   * @param {{start_at?: string, end_at?: string} | null} mailing
   * @param {boolean} withStart
   */
  constructor(mailing, withStart) {
    const tomorrow = new Date(Date.now() + DAY_MS).toISOString();
    this.zone = select(zoneNames(), HOME_ZONE, { onchange: () => this.changeZone() });
    this.start = new TimeInput(mailing?.start_at ?? null, say("start_hint"));
    this.end = new TimeInput(mailing?.end_at ?? tomorrow, "");
    this.element = h("fieldset", {}, h("legend", {}, say("schedule")),
      h("div", { class: "columns" },
        withStart && field("start_at", say("start"), this.start.input, this.start.hint),
        field("end_at", say("end"), this.end.input, this.end.hint),
        field("zone", say("zone_of_times"), this.zone)),
      h("p", { class: "presets" }, h("span", {}, say("ends_preset")), this.presets()));
  }

  /** Buttons for usual ends, from the start or from now. */
  presets() {
    const after = (/** @type {number} */ milliseconds) => () => this.end.set(new Date(this.begins + milliseconds));
    const evening = (/** @type {number} */ days) => () => {
      const day = toLocal(new Date(this.begins + days * DAY_MS).toISOString(), this.zone.value).slice(0, 10);
      this.end.set(`${day}T${EVENING}`);
    };
    return [
      button(say("preset_hours", { count: 1 }), after(HOUR_MS), { class: "link" }),
      button(say("preset_hours", { count: 3 }), after(3 * HOUR_MS), { class: "link" }),
      button(say("preset_today", { clock: EVENING }), evening(0), { class: "link" }),
      button(say("preset_tomorrow", { clock: EVENING }), evening(1), { class: "link" }),
      button(say("preset_week"), after(7 * DAY_MS), { class: "link" }),
    ];
  }

  /** When the mailing starts, in milliseconds since 1970. */
  get begins() {
    const start = this.start.read()?.moment ?? null;
    return Math.max(start === null ? 0 : Date.parse(start), Date.now());
  }

  /** Keeps the moments, and shows them on the clock of the other zone. */
  changeZone() {
    this.start.changeZone(this.zone.value);
    this.end.changeZone(this.zone.value);
  }

  /**
   * Returns the moments, undefined where a field is empty, and the times that do not exist.
   * @returns {{start_at: string | undefined, end_at: string | undefined, errors: FieldError[]}}
   */
  values() {
    const [start, end] = [this.start.read(), this.end.read()];
    /** @type {FieldError[]} */
    const errors = [];
    if (start?.moment === null) {
      errors.push({ loc: ["body", "start_at"], msg: start.note });
    }
    if (end?.moment === null) {
      errors.push({ loc: ["body", "end_at"], msg: end.note });
    }
    return { start_at: start?.moment ?? undefined, end_at: end?.moment ?? undefined, errors };
  }
}

/** An input of a local time, and a hint with its moment in UTC. */
class TimeInput {
  /**
   * @param {string | null} iso
   * @param {string} emptyHint
   */
  constructor(iso, emptyHint) {
    this.zone = HOME_ZONE;
    this.emptyHint = emptyHint;
    this.hint = h("span", {});
    this.input = h("input", {
      type: "datetime-local", value: iso === null ? "" : toLocal(iso, this.zone), oninput: () => this.showHint(),
    });
    this.showHint();
  }

  /** @param {Date | string} end A moment, or a local time. */
  set(end) {
    this.input.value = typeof end === "string" ? end : toLocal(end.toISOString(), this.zone);
    this.input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** Returns the moment, or null where the input is empty. */
  read() {
    return this.input.value ? toMoment(this.input.value, this.zone) : null;
  }

  /** @param {string} zone */
  changeZone(zone) {
    const moment = this.read()?.moment ?? null;
    this.zone = zone;
    if (moment !== null) {
      this.input.value = toLocal(moment, zone);
    }
    this.showHint();
  }

  showHint() {
    const read = this.read();
    if (read === null || read.moment === null) {
      setText(this.hint, read?.note ?? this.emptyHint);
    } else {
      const utc = new Date(read.moment).toISOString().slice(0, 16).replace("T", " ");
      setText(this.hint, sentences(say("in_utc", { time: utc }), read.note));
    }
  }
}
