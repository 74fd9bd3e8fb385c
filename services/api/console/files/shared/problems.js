/** Shows what went wrong beside the button that asked for it. */

/** @import { FieldError } from "api-types" */
/** @import { Attributes } from "./elements.js" */

import { Problem, Unreachable, isAbort } from "./api.js";
import { button, h, setChildren } from "./elements.js";
import { sayFault } from "./words/faults.js";
import { say, sayCount } from "./words/language.js";

// Problems of which the API's own sentence says more than the console's. Of all others the console says everything.
const DETAILED = new Set([
  null, "state-conflict", "malformed-request", "malformed-body", "stop-list-unreadable", "internal-error",
]);

/** Makes an empty box in which problems are shown. */
export function problemBox() {
  return h("div", { class: "problem", role: "alert" });
}

/**
 * Shows the sentence of an error, and each wrong value that has no field of its own on the page.
 * @param {HTMLElement} box
 * @param {Error} error
 * @param {FieldError[]} [errors]
 */
export function showProblem(box, error, errors = errorsOf(error)) {
  const missing = error instanceof Problem ? error.missing : [];
  const lines = [
    ...errors.map((one) => faultItem(one)),
    ...missing.map(({ name, missing: count, phones }) => (
      h("li", {}, sayCount("lack_value", count, { name, sample: phones.join(", ") })))),
  ];
  const said = error instanceof Problem ? error.said : error.message;
  const detail = error instanceof Problem && error.untranslated && DETAILED.has(error.code)
    && h("p", { class: "hint", lang: "en" }, error.message);
  setChildren(box, h("p", {}, said), detail, lines.length > 0 && h("ul", {}, lines),
    missing.length > 0 && h("p", {}, say("choose_on_missing")));
}

/** @param {FieldError} error */
function faultItem({ loc, msg }) {
  const place = loc.slice(1).join(" → ");
  const { text, lang } = sayFault(msg);
  return h("li", { lang }, place ? `${place}: ${text}` : text);
}

/**
 * Makes a cell that says what is wrong.
 * @param {string} sentence The API's.
 */
export function faultCell(sentence) {
  const { text, lang } = sayFault(sentence);
  return h("td", { lang }, text);
}

/**
 * Returns the wrong values that the API named.
 * @param {unknown} error
 */
export function errorsOf(error) {
  return error instanceof Problem ? error.errors : [];
}

/**
 * Returns an error of the API or of the network, and throws any other, so that faults of the console are not hidden.
 * @param {unknown} error
 * @returns {Error}
 */
export function expected(error) {
  if (error instanceof Problem || error instanceof Unreachable) {
    return error;
  }
  if (error instanceof Error && isAbort(error)) {
    return error;
  }
  throw error;
}

/**
 * Performs an action for a button, which is busy meanwhile, so that a second click does nothing. Problems are shown in
 * `box`; other errors are thrown. Returns whether the action was performed.
 * @param {HTMLElement} asked
 * @param {HTMLElement} box
 * @param {() => unknown} action
 */
export async function whileBusy(asked, box, action) {
  if (asked.getAttribute("aria-busy") === "true") {
    return false;
  }
  asked.setAttribute("aria-busy", "true");
  setChildren(box);
  try {
    await action();
    return true;
  } catch (error) {
    showProblem(box, expected(error));
    return false;
  } finally {
    asked.removeAttribute("aria-busy");
  }
}

/**
 * Makes a button that performs an action and is busy meanwhile.
 * @param {string} text
 * @param {HTMLElement} box
 * @param {() => unknown} action
 * @param {Attributes} [attributes]
 */
export function actionButton(text, box, action, attributes = {}) {
  const element = button(text, () => whileBusy(element, box, action), attributes);
  return element;
}
