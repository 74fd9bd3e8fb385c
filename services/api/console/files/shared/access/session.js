/**
 * Holds who uses the console: by a token, which the open tabs share and forget when the last one is closed, or by the
 * session of the company's sign-in, which is a cookie that no script can read.
 */

/** @import { Token } from "api-types" */
/** @import { Role } from "../vocabulary.js" */

import { Problem, get, useToken } from "../api.js";
import { endSession } from "./company_sign_in.js";
import { untilLoaded } from "../polling.js";
import { announceSignOut, askOtherTabs, answerOtherTabs } from "./tabs.js";
import { ROLES } from "../vocabulary.js";
import { say } from "../words/language.js";

const KEY = "herald-token";
// The names of those who signed in by the company's sign-in begin so.
const PERSON = "oidc:";

/** @type {Token | null} */
let user = null;
/** @type {(problem: Error | null) => void} */
let onSignOut = () => {};

/**
 * Whether the role of the token allows what needs `role`.
 * @param {Role} role
 */
export function may(role) {
  return user !== null && ROLES.indexOf(user.role) >= ROLES.indexOf(role);
}

/** Whether there is a token that could be given up. */
export function hasToken() {
  return readToken() !== null;
}

/** Whether there is a token or a session that could be given up. */
export function maySignOut() {
  return hasToken() || isPerson();
}

function isPerson() {
  return user?.name.startsWith(PERSON) ?? false;
}

/**
 * Sets what is called after the user has signed out, and after the API has refused the token or the session: then with
 * the problem.
 * @param {(problem: Error | null) => void} listener
 */
export function listenForSignOut(listener) {
  onSignOut = listener;
  answerOtherTabs(readToken, () => hasToken() && forget(null));
}

/**
 * Signs in with the token of the open tabs, or without one: by a session, or where the API needs none. Throws Problem
 * where that is refused. While the API is away, this waits and keeps the token.
 * @returns {Promise<Token>}
 */
export async function resume() {
  const token = readToken() ?? await askOtherTabs();
  use(token);
  try {
    user = await untilLoaded(getUser, new AbortController().signal);
  } catch (error) {
    removeToken();
    throw error;
  }
  if (token !== null) {
    storeToken(token);
  }
  return /** @type {Token} */ (user);
}

/**
 * Signs in. Throws Problem or Unreachable.
 * @param {string} token
 * @returns {Promise<Token>}
 */
export async function signIn(token) {
  // No header can hold other characters, and no token has them.
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new Problem(401, { detail: say("token_characters") }, null);
  }
  use(token);
  const found = await getUser();
  storeToken(token);
  user = found;
  return found;
}

/** @returns {Promise<Token>} */
function getUser() {
  return get("token");
}

/** Signs out: in all tabs, and at the company's sign-in where the session came from there. Throws Unreachable. */
export async function signOut() {
  if (isPerson() && !hasToken()) {
    const elsewhere = await endSession();
    if (elsewhere !== null) {
      location.assign(elsewhere);
      return;
    }
  }
  announceSignOut();
  forget(null);
}

/** @param {Error | null} problem Why the API ended the session, where it was not the user. */
function forget(problem) {
  user = null;
  removeToken();
  use(null);
  onSignOut(problem);
}

/** @param {string | null} token */
function use(token) {
  useToken(token, (problem) => {
    if (user !== null) {
      forget(token === null ? new Error(say("session_ended")) : problem);
    }
  });
}

function readToken() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** @param {string} token */
function storeToken(token) {
  try {
    sessionStorage.setItem(KEY, token);
  } catch {
    // Where nothing may be stored, a reload asks for the token again.
  }
}

function removeToken() {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // Then nothing was stored either.
  }
}
