/** The filter of a mailing: to which clients it is sent. */

/** @import { Filter, Segment, Segments } from "api-types" */
/** @import { Node } from "../segments/values.js" */

import { ConditionRows } from "../segments/condition_rows.js";
import { kindOf } from "../segments/values.js";
import { get } from "../shared/api.js";
import { ChipInput } from "../shared/forms/chip_input.js";
import { h, setChildren } from "../shared/elements.js";
import { chipField, field, select } from "../shared/forms/fields.js";
import { say, sayCount } from "../shared/words/language.js";

const OWN = "own";
const PAGE = 100;
/** @type {Node} */
const NEW = { all: [{ field: "attribute" }] };

export class FilterFields {
  /**
   * @param {Filter} filter
   * @param {() => void} onchange
   * @param {number | null} [recipients] The number of those of the file that a filter would take the place of.
   */
  constructor(filter, onchange, recipients = null) {
    this.codes = new ChipInput({ values: filter.operator_codes, placeholder: "916, 903" });
    this.tags = new ChipInput({ values: filter.tags, placeholder: "vip", label: (tag) => tag || say("no_tag") });
    this.unsentOf = h("input", {
      type: "number", min: "1", step: "1", inputmode: "numeric", value: filter.unsent_of?.toString() ?? "",
      oninput: () => this.update(),
    });
    const tree = treeOf(filter);
    this.rows = new ConditionRows(tree ?? NEW, "filter");
    this.rows.element.addEventListener("change", () => this.update());
    this.segment = filter.segment?.toString() ?? "";
    const chosen = this.segment || (tree === null ? "" : OWN);
    this.further = select(this.options([]), chosen, { onchange: () => this.update() });
    this.all = h("p", { class: "note" }, say("everybody"));
    this.hasFile = recipients !== null;
    this.element = h("fieldset", { "data-loc": "filter" }, h("legend", {}, say("recipients_title")),
      recipients !== null && h("p", { class: "note" }, sayCount("file_stays", recipients)),
      h("small", { class: "wrong" }),
      h("div", { class: "columns" },
        chipField("filter.operator_codes", say("operator_codes"), this.codes, say("codes_hint")),
        chipField("filter.tags", say("tags"), this.tags, say("tags_hint")),
        field("filter.unsent_of", say("unsent_of"), this.unsentOf, say("unsent_hint")),
        field("filter.segment", say("further_conditions"), this.further, say("further_hint"))),
      this.rows.element, this.all);
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

  /**
   * Offers the saved segments by their names.
   * @param {AbortSignal} signal
   */
  async offerSegments(signal) {
    /** @type {Segment[]} */
    const found = [];
    /** @type {string | null} */
    let cursor = null;
    do {
      /** @type {Segments} */
      const page = await get("segments", { limit: PAGE, cursor }, signal);
      found.push(...page.items);
      cursor = page.next;
    } while (cursor !== null);
    const chosen = this.further.value;
    const options = this.options(found);
    setChildren(this.further, options.map(([value, text]) => h("option", { value }, text)));
    this.further.value = chosen;
  }

  /**
   * @param {Segment[]} segments
   * @returns {Array<[value: string, text: string]>}
   */
  options(segments) {
    const names = new Map(segments.map(({ id, name }) => [id.toString(), name]));
    if (this.segment !== "" && !names.has(this.segment)) {
      // The one that is chosen is not read yet, or was deleted.
      names.set(this.segment, this.segment);
    }
    /** @type {Array<[value: string, text: string]>} */
    const named = Array.from(names, ([id, name]) => [id, say("segment_named", { name })]);
    return [["", say("no_further")], [OWN, say("own_conditions")], ...named];
  }

  /** @returns {Filter} */
  get value() {
    const unsentOf = this.unsentOf.value ? Number(this.unsentOf.value) : null;
    const lists = { operator_codes: this.codes.values, tags: this.tags.values, unsent_of: unsentOf };
    const chosen = this.further.value;
    const segment = chosen === "" || chosen === OWN ? null : Number(chosen);
    const tree = chosen === OWN && this.rows.rows.length ? this.rows.tree : {};
    return /** @type {Filter} */ ({ ...this.everybody, ...lists, segment, ...tree });
  }

  update() {
    const { operator_codes: codes, tags, unsent_of: unsentOf, segment, all, any, not } = this.value;
    const isFiltered = codes.length + tags.length > 0 || [unsentOf, segment, all, any, not].some((one) => one !== null);
    this.rows.element.hidden = this.further.value !== OWN;
    this.all.hidden = isFiltered || this.hasFile;
  }
}

/**
 * Returns the tree of a filter, or null. That of a segment is the segment's.
 * @param {Filter} filter
 * @returns {Node | null}
 */
function treeOf(filter) {
  const kind = filter.segment === null ? kindOf(filter) : null;
  return kind === null ? null : { [kind]: /** @type {Node[]} */ (filter[kind]) };
}
