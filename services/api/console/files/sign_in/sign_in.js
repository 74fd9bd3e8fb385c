/** Asks who uses the console: by the company's sign-in where there is one, or by a token. */

/** @import { Token } from "api-types" */

import { Problem } from "../shared/api.js";
import { signInOptions, signInUrl } from "../shared/access/company_sign_in.js";
import { h, setChildren } from "../shared/elements.js";
import { expected, problemBox, showProblem, whileBusy } from "../shared/problems.js";
import { signIn } from "../shared/access/session.js";
import { say, sayWith } from "../shared/words/language.js";

const COMMAND = "herald token create";

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
 * @param {Error | null} problem Why the last session ended, or the last sign-in failed.
 * @param {(user: Token) => void} enter Called once the API has accepted a token.
 */
export async function showSignIn(main, problem, enter) {
  document.title = say("page_title", { page: say("sign_in") });
  const box = problemBox();
  const company = h("div", {});
  const input = h("input", {
    type: "password", id: "token", autocomplete: "off", spellcheck: "false", required: true,
  });
  const submit = h("button", { type: "submit" }, say("sign_in_now"));
  const form = h("form", { class: "signin" },
    h("h1", {}, say("sign_in")), box, company,
    h("label", { for: "token" }, say("token")), input,
    h("small", {}, sayWith("token_hint", { command: h("code", {}, COMMAND) })), submit);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    whileBusy(submit, box, async () => enter(await signIn(input.value.trim())));
  });
  setChildren(main, form);
  if (problem !== null) {
    showProblem(box, problem);
  }
  input.focus();
  const { oidc } = await signInOptions();
  if (oidc) {
    const begin = h("a", { href: signInUrl(), role: "button" }, say("sign_in_company"));
    // The address may have changed since: Back, or a link to another page.
    begin.addEventListener("click", () => { begin.href = signInUrl(); });
    setChildren(company, begin, h("p", { class: "hint" }, say("or_token")));
    submit.classList.add("outline");
    if (!input.value) {
      begin.focus();
    }
  }
}
