/** The search above the list of all events. */

/** @import { Problem } from "../shared/api.js" */

import { h, setChildren } from "../shared/elements.js";
import { field, select, showErrors } from "../shared/forms/fields.js";
import { toLocal, toMoment } from "../shared/forms/time_zones.js";
import { HOME_ZONE } from "../shared/format.js";
import { problemBox, showProblem } from "../shared/problems.js";
import { go, link } from "../shared/router.js";
import { KINDS } from "../shared/vocabulary.js";
import { say, sayOf } from "../shared/words/language.js";

export class EventSearch {
  /** @param {URLSearchParams} query */
  constructor(query) {
    this.wanted = {
      by: query.get("by"), kind: query.get("kind"), since: query.get("since"), until: query.get("until"),
    };
    const { by, kind, since, until } = this.wanted;
    this.by = h("input", { type: "text", value: by ?? "", autocomplete: "off" });
    const kinds = KINDS.map((one) => /** @type {[string, string]} */ ([one, sayOf("kind", one)]));
    this.kind = select([["", say("all_kinds")], ...kinds], kind ?? "");
    this.since = momentInput(since);
    this.until = momentInput(until);
    this.form = h("form", { class: "search", "aria-label": say("search_events"), novalidate: true },
      field("by", say("actor"), this.by), field("kind", say("event"), this.kind),
      field("since", say("since"), this.since), field("until", say("until"), this.until),
      h("button", { type: "submit" }, say("search")));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.search();
    });
    this.box = problemBox();
    this.element = h("div", {}, this.form, this.box);
  }

  search() {
    go(link("events", {
      by: this.by.value.trim() || null, kind: this.kind.value || null,
      since: momentOf(this.since), until: momentOf(this.until),
    }));
  }

  /**
   * Shows why the API refused the search, at its fields where they have one.
   * @param {Problem} problem
   */
  showProblem(problem) {
    setChildren(this.box);
    const left = showErrors(this.form, problem.errors);
    if (left.length) {
      showProblem(this.box, problem, left);
    }
  }
}

/** @param {string | null} iso */
function momentInput(iso) {
  const isMoment = iso !== null && !Number.isNaN(Date.parse(iso));
  return h("input", { type: "datetime-local", value: isMoment ? toLocal(iso, HOME_ZONE) : "" });
}

/** @param {HTMLInputElement} input */
function momentOf(input) {
  return input.value ? toMoment(input.value, HOME_ZONE).moment : null;
}
