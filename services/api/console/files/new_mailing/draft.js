/** Keeps a mailing that is being written, in this tab alone, until it is created or the user signs out. */

/** @import { MailingBody } from "./mailing_form.js" */

const KEY = "herald-new-mailing";

/**
 * Returns what was written last, or null.
 * @returns {MailingBody | null}
 */
export function readDraft() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  } catch {
    return null;
  }
}

/** @param {MailingBody} body */
export function keepDraft(body) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(body));
  } catch {
    // Where nothing may be stored, leaving the page loses the text.
  }
}

/** Forgets what was written. */
export function dropDraft() {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // Then nothing was stored either.
  }
}
