/** Fields of forms: a label, the input, and a place for what the API says is wrong with its value. */

import { fill, freshId, h } from "./elements.js";

/**
 * A field. `loc` is where its value stands in the body, such as "filter.tags".
 * @param {string} loc
 * @param {string} label
 * @param {HTMLElement} input
 * @param {{hint?: Node | string | null}} [more]
 */
export function field(loc, label, input, { hint = null } = {}) {
  const id = input.id || freshId("field");
  const wrong = h("small", { class: "wrong", id: `${id}-wrong` });
  input.id = id;
  input.setAttribute("aria-describedby", hint === null ? wrong.id : `${id}-hint ${wrong.id}`);
  return h("div", { class: "field", "data-loc": loc },
    h("label", { for: id }, label), input,
    hint !== null && h("small", { id: `${id}-hint` }, hint), wrong);
}

export function select(options, value, attributes = {}) {
  const made = options.map(([key, text]) => h("option", { value: key }, text));
  return h("select", { ...attributes, value: null }, made.map((option) => {
    option.selected = option.value === value;
    return option;
  }));
}

export function clearErrors(form) {
  for (const wrong of form.querySelectorAll(".wrong")) {
    fill(wrong);
  }
  for (const input of form.querySelectorAll("[aria-invalid]")) {
    input.removeAttribute("aria-invalid");
  }
}

/**
 * Show errors at their fields, and take the focus to the first. Returns those that have no field in the form.
 * @param {Array<{loc: Array<string | number>, msg: string}>} errors
 */
export function showErrors(form, errors) {
  const fields = [...form.querySelectorAll("[data-loc]")];
  const left = [];
  const marked = [];
  for (const error of errors) {
    const at = error.loc.slice(1).join(".");
    const found = fields.filter((one) => at === one.dataset.loc || at.startsWith(`${one.dataset.loc}.`));
    // "window.from" goes to the field of that name rather than to that of "window".
    const place = found.sort((one, other) => other.dataset.loc.length - one.dataset.loc.length)[0];
    place ? marked.push(mark(place, error)) : left.push(error);
  }
  marked[0]?.focus();
  return left;
}

function mark(place, { msg }) {
  const input = place.querySelector("input, textarea, select");
  const wrong = place.querySelector(".wrong");
  input.setAttribute("aria-invalid", "true");
  fill(wrong, wrong.textContent ? `${wrong.textContent}; ${msg}` : msg);
  return input;
}

/** A box to tick: {element, input}. */
export function freshFlag(text, checked) {
  const input = h("input", { type: "checkbox", checked });
  return { element: h("label", { class: "flag" }, input, text), input };
}
