/** The filter of a mailing: to which clients it is sent. */

/** @import { Filter } from "api-types" */

import { ChipInput } from "../shared/forms/chip_input.js";
import { h } from "../shared/elements.js";
import { chipField, field } from "../shared/forms/fields.js";
import { say } from "../shared/words/language.js";

export class FilterFields {
  /**
   * @param {Filter} filter
   * @param {() => void} onchange
   */
  constructor(filter, onchange) {
    // The segment and the tree have no fields here, and stay as they are.
    this.others = { segment: filter.segment, all: filter.all, any: filter.any, not: filter.not };
    this.codes = new ChipInput({ values: filter.operator_codes, placeholder: "916, 903" });
    this.tags = new ChipInput({ values: filter.tags, placeholder: "vip", label: (tag) => tag || say("no_tag") });
    this.unsentOf = h("input", {
      type: "number", min: "1", step: "1", inputmode: "numeric", value: filter.unsent_of?.toString() ?? "",
      oninput: () => this.update(),
    });
    this.all = h("p", { class: "note" }, say("everybody"));
    this.element = h("fieldset", {}, h("legend", {}, say("recipients_title")),
      h("div", { class: "columns" },
        chipField("filter.operator_codes", say("operator_codes"), this.codes, say("codes_hint")),
        chipField("filter.tags", say("tags"), this.tags, say("tags_hint")),
        field("filter.unsent_of", say("unsent_of"), this.unsentOf, say("unsent_hint"))),
      this.all);
    this.update();
    this.codes.onchange = this.tags.onchange = () => {
      this.update();
      onchange();
    };
  }

  /** A filter that every client matches. */
  get everybody() {
    /** @type {Filter} */
    return { operator_codes: [], tags: [], unsent_of: null, segment: null, all: null, any: null, not: null };
  }

  /**
   * Offers codes and tags, each with the number of its clients.
   * @param {Record<string, number>} codes
   * @param {Record<string, number>} tags
   */
  suggest(codes, tags) {
    this.codes.suggest(codes);
    this.tags.suggest(tags);
  }

  /** @returns {Filter} */
  get value() {
    const unsentOf = this.unsentOf.value ? Number(this.unsentOf.value) : null;
    return { operator_codes: this.codes.values, tags: this.tags.values, unsent_of: unsentOf, ...this.others };
  }

  update() {
    const isFiltered = this.codes.values.length + this.tags.values.length > 0 || this.unsentOf.value !== "";
    this.all.hidden = isFiltered;
  }
}
