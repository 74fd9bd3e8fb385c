/** Asks for a token. */

/** @import { Token } from "api-types" */

import { Problem } from "../shared/api.js";
import { h, setChildren } from "../shared/elements.js";
import { expected, problemBox, showProblem, whileBusy } from "../shared/problems.js";
import { signIn } from "../shared/session.js";

/**
 * Returns why the API refused the session with which the page was opened: null where it only needs a token and none was
 * sent.
 * @param {unknown} error
 * @param {boolean} hadToken
 */
export function refusalOf(error, hadToken) {
  return !hadToken && error instanceof Problem && error.status === 401 ? null : expected(error);
}

/**
 * Shows the form.
 * @param {HTMLElement} main
 * @param {Error | null} problem Why the last session ended.
 * @param {(user: Token) => void} enter Called once the API has accepted a token.
 */
export function showSignIn(main, problem, enter) {
  document.title = "Sign in: Herald";
  const box = problemBox();
  const input = h("input", {
    type: "password", id: "token", autocomplete: "off", spellcheck: "false", required: true,
  });
  const submit = h("button", { type: "submit" }, "Sign in");
  const form = h("form", { class: "signin" },
    h("h1", {}, "Sign in"),
    h("label", { for: "token" }, "Token"), input,
    h("small", {}, "The token is forgotten when you close this tab. Create one with ",
      h("code", {}, "herald token create"), "."),
    box, submit);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    whileBusy(submit, box, async () => enter(await signIn(input.value.trim())));
  });
  setChildren(main, form);
  if (problem !== null) {
    showProblem(box, problem);
  }
  input.focus();
}
