/** Fills a text in as the dispatcher does, for a look at the first texts of a file. Pure. */

const PLACEHOLDER = /\\\{\{|\{\{([a-z][a-z0-9_]{0,31})(?:\|([^{}]*))?\}\}/g;

/**
 * Returns the text with values filled in; null where one is missing that has no fallback.
 * @param {string} text
 * @param {Record<string, unknown>} values
 * @returns {string | null}
 */
export function fillIn(text, values) {
  let complete = true;
  const filled = text.replaceAll(PLACEHOLDER, (found, /** @type {string} */ name, /** @type {string} */ fallback) => {
    if (found === "\\{{") {
      return "{{";
    }
    const value = String(values[name] ?? "");
    complete &&= value.trim() !== "" || fallback !== undefined;
    return value.trim() === "" ? (fallback ?? "") : value;
  });
  return complete ? filled : null;
}
