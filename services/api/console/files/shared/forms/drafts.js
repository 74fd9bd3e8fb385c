/** Keeps what is typed into a form, in this tab alone, until it is stored or the user signs out. */

const PREFIX = "herald-draft-";

/**
 * Returns what was written last under a key, or null.
 * @template Body
 * @param {string} key
 * @returns {Body | null}
 */
export function readDraft(key) {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + key) ?? "null");
  } catch {
    return null;
  }
}

/**
 * @param {string} key
 * @param {unknown} body
 */
export function keepDraft(key, body) {
  try {
    sessionStorage.setItem(PREFIX + key, JSON.stringify(body));
  } catch {
    // Where nothing may be stored, leaving the page loses the text.
  }
}

/**
 * Forgets what was written under a key.
 * @param {string} key
 */
export function dropDraft(key) {
  try {
    sessionStorage.removeItem(PREFIX + key);
  } catch {
    // Then nothing was stored either.
  }
}

/** Forgets everything that was written. */
export function dropDrafts() {
  try {
    const keys = Object.keys(sessionStorage).filter((key) => key.startsWith(PREFIX));
    for (const key of keys) {
      sessionStorage.removeItem(key);
    }
  } catch {
    // Then nothing was stored either.
  }
}
