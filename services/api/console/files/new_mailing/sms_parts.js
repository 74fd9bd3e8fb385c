/** Counts the short messages that a text takes, by the rules of GSM 03.38, as the API does. */

// Two columns of the standard: what is one septet, and what is an escape and a septet.
const BASIC = new Set("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
  + "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà");
const EXTENSION = new Set("\f^{}\\[~]|€");
const GSM = { single: 160, part: 153 };
const UCS2 = { single: 70, part: 67 };

/**
 * Counts the parts of a text, and what is left of the last one, in septets or UTF-16 code units.
 * @param {string} text
 * @returns {{parts: number, left: number}}
 */
export function countParts(text) {
  const characters = [...text];
  const isGsm = characters.every((one) => BASIC.has(one) || EXTENSION.has(one));
  const { single, part } = isGsm ? GSM : UCS2;
  const widths = characters.map((one) => (isGsm ? 1 + Number(EXTENSION.has(one)) : one.length));
  const total = widths.reduce((sum, width) => sum + width, 0);
  if (total <= single) {
    return { parts: 1, left: single - total };
  }
  // A character of width two is not cut in two.
  let [parts, used] = [1, 0];
  for (const width of widths) {
    if (used + width > part) {
      parts += 1;
      used = 0;
    }
    used += width;
  }
  return { parts, left: part - used };
}
