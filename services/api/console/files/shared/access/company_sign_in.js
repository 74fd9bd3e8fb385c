/** Signs in and out at the company's OpenID provider, by way of the API: docs/decisions/0103-sign-in.md. */

import { Unreachable } from "../api.js";
import { say } from "../words/language.js";

const LEFT = "herald-signed-out";
/** The page of the console to which a sign-in that failed leads. */
export const FAILED = "#/sign-in";

/** @typedef {{oidc: boolean, auto: boolean}} Options */

/**
 * Returns how one may sign in here: by tokens alone where the API does not answer.
 * @returns {Promise<Options>}
 */
export async function signInOptions() {
  try {
    const response = await fetch(urlOf("sign-in/options"), { cache: "no-store" });
    return response.ok ? await response.json() : { oidc: false, auto: false };
  } catch {
    return { oidc: false, auto: false };
  }
}

/** Returns the URL at which a sign-in begins that leads back to the present page. */
export function signInUrl() {
  const { hash } = location;
  const url = urlOf("sign-in");
  url.searchParams.set("return_to", hash.startsWith("#/") && !hash.startsWith(FAILED) ? hash : "#/");
  return url.href;
}

/** @param {string} path */
function urlOf(path) {
  return new URL(path, document.baseURI);
}

/**
 * Ends the session. Returns where the provider's own session is ended, null where there is no such page. Throws
 * Unreachable.
 * @returns {Promise<string | null>}
 */
export async function endSession() {
  try {
    const response = await fetch(urlOf("sign-out"), { method: "POST" });
    if (response.ok) {
      markLeft(true);
      return (await response.json()).end_session;
    }
  } catch {
    // What follows says so.
  }
  throw new Unreachable(say("sign_out_failed"));
}

/** Whether the last thing that was done in this tab is a sign-out: then nobody is signed in without asking. */
export function hasLeft() {
  try {
    return sessionStorage.getItem(LEFT) !== null;
  } catch {
    return true;
  }
}

/** @param {boolean} left */
export function markLeft(left) {
  try {
    if (left) {
      sessionStorage.setItem(LEFT, "1");
    } else {
      sessionStorage.removeItem(LEFT);
    }
  } catch {
    // Where nothing may be stored, the sign-in never begins by itself.
  }
}

/**
 * Returns why the last sign-in failed, as the API has told behind the #; null where none failed.
 * @returns {Error | null}
 */
export function failureInAddress() {
  const [path, search = ""] = location.hash.split("?");
  const told = new URLSearchParams(search);
  const reason = told.get("reason");
  if (path !== FAILED || reason === null) {
    return null;
  }
  return new Error(describeFailure(reason, told.get("claim") ?? "", told.get("seen")));
}

/**
 * @param {string} reason
 * @param {string} claim
 * @param {string | null} seen
 */
function describeFailure(reason, claim, seen) {
  switch (reason) {
    case "no-role":
      return seen ? say("no_role_seen", { claim, seen }) : say("no_role_absent", { claim });
    case "issuer-away":
      return say("issuer_away");
    case "stale":
      return say("sign_in_stale");
    case "token":
      return say("sign_in_token");
    default:
      return say("sign_in_refused");
  }
}
