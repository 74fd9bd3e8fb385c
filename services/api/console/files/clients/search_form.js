/** The search above the directory. What it looks for is in the address, so that it can be linked and reloaded. */

/** @import { Problem } from "../shared/api.js" */

import { h, setChildren } from "../shared/elements.js";
import { checkbox, field, showErrors } from "../shared/forms/fields.js";
import { problemBox, showProblem } from "../shared/problems.js";
import { go, link } from "../shared/router.js";
import { say } from "../shared/words/language.js";

/**
 * What is looked for: a part of a phone, and whole other values.
 * @typedef {{q: string | null, operator_code: string | null, tag: string | null, external_id: string | null}} Wanted
 */

export class SearchForm {
  /** @param {Wanted} wanted */
  constructor(wanted) {
    this.phone = textInput(wanted.q);
    this.operatorCode = textInput(wanted.operator_code);
    this.tag = textInput(wanted.tag);
    this.externalId = textInput(wanted.external_id);
    this.untagged = checkbox(say("untagged"), wanted.tag === "");
    this.form = h("form", { class: "search", "aria-label": say("search_clients"), novalidate: true },
      field("q", say("phone_or_part"), this.phone, say("phone_part_hint")),
      field("operator_code", say("operator_code"), this.operatorCode),
      field("tag", say("tag"), this.tag), field("external_id", say("external_id"), this.externalId),
      this.untagged.element, h("button", { type: "submit" }, say("search")));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.search();
    });
    this.box = problemBox();
    this.element = h("div", {}, this.form, this.box);
  }

  search() {
    const text = (/** @type {HTMLInputElement} */ input) => input.value.trim() || null;
    const tag = this.untagged.input.checked ? "" : text(this.tag);
    go(link("clients", {
      q: text(this.phone), operator_code: text(this.operatorCode), tag, external_id: text(this.externalId),
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

/** @param {string | null} value */
function textInput(value) {
  return h("input", { type: "text", value: value ?? "", autocomplete: "off" });
}
