/** Who uses the console: a token, kept for this tab alone and only until it is closed. */

import { Problem, get, useToken } from "./api.js";
import { known, problemPlace, showProblem, work } from "./dialog.js";
import { fill, h } from "./elements.js";
import { once } from "./polling.js";
import { ROLES } from "./vocabulary.js";

const KEY = "herald-token";
const main = document.getElementById("main");

let identity = null;
let onLeave = () => {};

/** Whether the role of the token allows what needs `role`. */
export function may(role) {
  return identity !== null && ROLES.indexOf(identity.role) >= ROLES.indexOf(role);
}

/**
 * Find out who it is, and ask for a token where one is needed.
 * Calls `enter(identity)` then, and `leave()` once the token is given up or refused.
 */
export async function begin(enter, leave) {
  onLeave = leave;
  const kept = recall();
  use(kept);
  const { signal } = new AbortController();
  let found;
  try {
    // A token is not worse for an API that is away for a moment.
    await once(async () => {
      found = await get("token");
    }, signal);
  } catch (error) {
    forget();
    ask(enter, kept === null && error.status === 401 ? null : known(error));
    return;
  }
  accept(found, enter);
}

/** Whether there is a token that could be given up. */
export function signedIn() {
  return recall() !== null;
}

export function signOut(enter, error = null) {
  identity = null;
  forget();
  use(null);
  onLeave();
  ask(enter, error);
}

let entering = () => {};

function use(token) {
  useToken(token, (problem) => identity !== null && signOut(entering, problem));
}

function accept(found, enter) {
  identity = found;
  entering = enter;
  enter(found);
}

function ask(enter, error) {
  document.title = "Sign in: Herald";
  const place = problemPlace();
  const input = h("input", {
    type: "password", id: "token", autocomplete: "off", spellcheck: "false", required: true,
  });
  const button = h("button", { type: "submit" }, "Sign in");
  const form = h("form", { class: "signin" },
    h("h1", {}, "Sign in"),
    h("label", { for: "token" }, "Token"), input,
    h("small", {}, "It is forgotten when this tab is closed. ", h("code", {}, "herald token create"), " makes one."),
    place, button);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    work(button, place, () => tryToken(input.value.trim(), enter));
  });
  fill(main, form);
  if (error !== null) {
    showProblem(place, error);
  }
  input.focus();
}

async function tryToken(token, enter) {
  // No header can hold more than this, and no token does.
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new Problem(401, { detail: "A token has only letters, digits and signs, and no blanks." }, null);
  }
  use(token);
  const found = await get("token");
  keep(token);
  accept(found, enter);
}

function recall() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function keep(token) {
  try {
    sessionStorage.setItem(KEY, token);
  } catch {
    // Where nothing may be stored, a reload asks again.
  }
}

function forget() {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // Then nothing was stored either.
  }
}
