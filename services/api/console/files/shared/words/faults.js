/** Says what is wrong with a value in the reader's language, where the API says it in English. */

import { FAULTS_RU } from "./faults_ru.js";
import { LANGUAGE, sayOf } from "./language.js";

/** @typedef {{text: string, lang: string | null}} Fault `lang` is that of a text in another language than the page. */

/** @type {Array<[pattern: RegExp, text: string]>} */
const FAULTS = LANGUAGE === "ru" ? FAULTS_RU.map(([english, text]) => [patternOf(english), text]) : [];

/**
 * Makes the pattern of a sentence in which {name} stands for anything.
 * @param {string} sentence
 */
function patternOf(sentence) {
  const parts = sentence.split(/\{(\w+)\}/);
  const made = parts.map((part, index) => (
    index % 2 ? `(?<${part}>.+?)` : part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")));
  return new RegExp(`^${made.join("")}$`);
}

/**
 * Translates a sentence of the API; one that the console does not know stays in English.
 * @param {string} sentence
 * @returns {Fault}
 */
export function sayFault(sentence) {
  if (LANGUAGE === "en") {
    return { text: sentence, lang: null };
  }
  for (const [pattern, text] of FAULTS) {
    const found = pattern.exec(sentence);
    if (found !== null) {
      return fillFault(text, found.groups ?? {});
    }
  }
  return { text: sentence, lang: "en" };
}

/**
 * Fills a translation. A sentence within it is translated, too, and so is the name of a field.
 * @param {string} text
 * @param {Record<string, string>} groups
 * @returns {Fault}
 */
function fillFault(text, { fault, name, ...others }) {
  const inner = fault === undefined ? { text: "", lang: null } : sayFault(fault);
  const values = { ...others, name: sayOf("field", name ?? ""), fault: inner.text };
  const filled = text.replaceAll(/\{(\w+)\}/g, (_, one) => /** @type {Record<string, string>} */ (values)[one] ?? "");
  return { text: filled, lang: inner.lang };
}
