/** Phones as people type them. */

/**
 * Writes a phone as it is stored, where it is a whole one; else it stays as it is.
 * @param {string} text
 */
export function asStored(text) {
  const digits = text.replaceAll(/[\s().+-]/g, "");
  return /^[78]?\d{10}$/.test(digits) ? `7${digits.slice(-10)}` : text.trim();
}
