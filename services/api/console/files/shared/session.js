/** Holds who uses the console: a token, kept for this tab alone and only until it is closed. */

/** @import { Token } from "api-types" */
/** @import { Role } from "./vocabulary.js" */

import { Problem, get, useToken } from "./api.js";
import { untilLoaded } from "./polling.js";
import { ROLES } from "./vocabulary.js";
import { say } from "./words/language.js";

const KEY = "herald-token";

/** @type {Token | null} */
let user = null;
/** @type {(problem: Problem | null) => void} */
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

/**
 * Sets what is called after the user has signed out, and after the API has refused the token: then with the problem.
 * @param {(problem: Problem | null) => void} listener
 */
export function listenForSignOut(listener) {
  onSignOut = listener;
}

/**
 * Signs in with the token of this tab, or without one where the API needs none. Throws Problem where that is refused.
 * While the API is away, this waits and keeps the token.
 * @returns {Promise<Token>}
 */
export async function resume() {
  use(readToken());
  try {
    user = await untilLoaded(getUser, new AbortController().signal);
  } catch (error) {
    removeToken();
    throw error;
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

/** @param {Problem | null} [problem] Why the API ended the session, where it was not the user. */
export function signOut(problem = null) {
  user = null;
  removeToken();
  use(null);
  onSignOut(problem);
}

/** @param {string | null} token */
function use(token) {
  useToken(token, (problem) => user !== null && signOut(problem));
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
