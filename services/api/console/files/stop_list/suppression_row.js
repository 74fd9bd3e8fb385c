/** A row of the stop list. */

/** @import { Suppression } from "api-types" */

import { may } from "../shared/access/session.js";
import { button, h, setChildren } from "../shared/elements.js";
import { timeElement } from "../shared/format.js";
import { link } from "../shared/router.js";
import { say, sayOf } from "../shared/words/language.js";

export class SuppressionRow {
  /**
   * @param {Suppression} entry
   * @param {() => void} remove
   */
  constructor(entry, remove) {
    this.phone = h("td", { class: "phone" });
    const label = say("unstop_entry", { id: String(entry.id) });
    this.element = h("tr", {},
      this.phone, h("td", { class: "tag long" }, entry.reason), h("td", {}, sayOf("thing", entry.source)),
      h("td", { class: "moment" }, timeElement(entry.since)), h("td", {}, entry.added_by),
      h("td", { class: "tools" },
        may("admin") && button(say("unstop"), remove, { class: "link", "aria-label": label })));
  }

  /** @param {Suppression} entry The phone is known while a client has it. */
  update({ phone, client_id: client }) {
    const known = client === null ? phone : h("a", { href: link(`clients/${client}`) }, phone);
    setChildren(this.phone, phone === null ? say("unknown_phone") : known);
  }
}
