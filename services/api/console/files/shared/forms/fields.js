/** Fields of forms: a label, the input, and a place for what the API finds wrong with its value. */

/** @import { FieldError } from "api-types" */
/** @import { Attributes, Child } from "../elements.js" */
/** @import { ChipInput } from "./chip_input.js" */

import { h, setChildren, uniqueId } from "../elements.js";
import { sayFault } from "../words/faults.js";
import { sayOf } from "../words/language.js";

/**
 * Makes a field.
 * @param {string} loc Where its value stands in the body, such as "filter.tags".
 * @param {string} label
 * @param {HTMLElement} input
 * @param {Child} [hint]
 */
export function field(loc, label, input, hint = null) {
  const id = input.id || uniqueId("field");
  const wrong = h("small", { class: "wrong", id: `${id}-wrong` });
  input.id = id;
  input.setAttribute("aria-describedby", hint === null ? wrong.id : `${id}-hint ${wrong.id}`);
  return h("div", { class: "field", "data-loc": loc },
    h("label", { for: id }, label), input,
    hint !== null && h("small", { id: `${id}-hint` }, hint), wrong);
}

/**
 * Makes a field whose label belongs to the input in which chips are typed.
 * @param {string} loc
 * @param {string} label
 * @param {ChipInput} chips
 * @param {string | null} [hint]
 */
export function chipField(loc, label, chips, hint = null) {
  const made = field(loc, label, chips.input, hint);
  chips.input.replaceWith(chips.element);
  chips.element.append(chips.input);
  return made;
}

/**
 * Makes a select. An option is a value that is its own text, or a value and a text.
 * @param {Array<string | [value: string, text: string]>} options
 * @param {string} value
 * @param {Attributes} [attributes]
 */
export function select(options, value, attributes = {}) {
  const pairs = options.map((option) => (typeof option === "string" ? [option, option] : option));
  const made = pairs.map(([key, text]) => h("option", { value: key, selected: key === value }, text));
  return h("select", attributes, made);
}

/**
 * Returns the option of one of the API's words, in the reader's language.
 * @param {"state" | "status" | "delivery"} family
 * @param {string} name
 * @returns {[value: string, text: string]}
 */
export function option(family, name) {
  return [name, sayOf(family, name)];
}

/**
 * Makes a box to tick, and the label that holds it.
 * @param {string} text
 * @param {boolean} checked
 */
export function checkbox(text, checked) {
  const input = h("input", { type: "checkbox", checked });
  return { element: h("label", { class: "flag" }, input, text), input };
}

/** @param {HTMLElement} form */
export function clearErrors(form) {
  for (const wrong of form.querySelectorAll(".wrong")) {
    setChildren(wrong);
  }
  for (const input of form.querySelectorAll("[aria-invalid]")) {
    input.removeAttribute("aria-invalid");
  }
}

/**
 * Shows errors at their fields and moves the focus to the first. Returns those that have no field in the form.
 * @param {HTMLElement} form
 * @param {FieldError[]} errors
 */
export function showErrors(form, errors) {
  const fields = /** @type {HTMLElement[]} */ ([...form.querySelectorAll("[data-loc]")]);
  const left = [];
  const marked = [];
  for (const error of errors) {
    const place = fieldAt(fields, error.loc.slice(1).join("."));
    if (place === undefined) {
      left.push(error);
    } else {
      marked.push(mark(place, error.msg));
    }
  }
  marked[0]?.focus();
  return left;
}

/**
 * Returns the field of a value: for "window.from" the field of that name rather than that of "window".
 * @param {HTMLElement[]} fields
 * @param {string} loc
 */
function fieldAt(fields, loc) {
  const length = (/** @type {HTMLElement} */ one) => one.dataset.loc?.length ?? 0;
  const found = fields.filter(({ dataset }) => loc === dataset.loc || loc.startsWith(`${dataset.loc}.`));
  return found.sort((one, other) => length(other) - length(one))[0];
}

/**
 * @param {HTMLElement} place
 * @param {string} text
 */
function mark(place, text) {
  const input = /** @type {HTMLElement} */ (place.querySelector("input, textarea, select"));
  // A field may hold others.
  const wrong = /** @type {HTMLElement} */ (place.querySelector(":scope > .wrong") ?? place.querySelector(".wrong"));
  input.setAttribute("aria-invalid", "true");
  const { text: said, lang } = sayFault(text);
  wrong.lang = lang ?? document.documentElement.lang;
  // What is wrong with several values of a list alike is said once.
  const before = wrong.textContent ? wrong.textContent.split("; ") : [];
  setChildren(wrong, [...new Set([...before, said])].join("; "));
  return input;
}
