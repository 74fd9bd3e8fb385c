/** Says everything in the reader's language: the one that was chosen in this browser, else the browser's first. */

/** @import { Child } from "../elements.js" */

import { EN } from "./en.js";
import { REASONS_RU } from "./reasons_ru.js";
import { RU } from "./ru.js";

/** @typedef {"en" | "ru"} Language */
/** @typedef {typeof EN} English */
/** @typedef {{[Name in keyof English]: English[Name] extends string ? Name : never}[keyof English]} Word A phrase. */
/** @typedef {Exclude<keyof English, Word>} CountedWord A phrase about a number, with a form for each plural. */
/** @typedef {Partial<Record<Intl.LDMLPluralRule, string>> & {other: string}} Plurals */
/** @typedef {Record<Word, string> & Record<CountedWord, Plurals>} Table */
/** @typedef {"role" | "status" | "state" | "kind" | "detail" | "outcome" | "reason" | "problem" | "field" | "thing"
 *   | "provider" | "attention" | "delivery"} Family Words of the API of one kind, whose names begin with it. */
/** @typedef {Record<string, string | number | null | undefined>} Values Numbers are formatted. */

/** @type {Record<Language, Table>} */
const TABLES = { en: EN, ru: RU };
/** @type {Record<Language, string>} British English has the day before the month. */
const LOCALES = { en: "en-GB", ru: "ru-RU" };
/** @type {Array<[language: Language, name: string]>} Each by its own name. */
export const LANGUAGES = [["en", "English"], ["ru", "Русский"]];

const KEY = "herald-language";

/** @type {Language} The language of this page: a change loads it anew. */
export const LANGUAGE = readChoice() ?? preferred(navigator.languages);
export const LOCALE = LOCALES[LANGUAGE];

const TABLE = TABLES[LANGUAGE];
const PLURALS = new Intl.PluralRules(LOCALE);
const COUNT = new Intl.NumberFormat(LOCALE);
const PERCENT = new Intl.NumberFormat(LOCALE, { style: "percent" });
const TENTHS_OF_PERCENT = new Intl.NumberFormat(LOCALE, { style: "percent", maximumFractionDigits: 1 });

/**
 * Returns the first of the browser's languages that the console has, else English.
 * @param {readonly string[]} wanted Tags such as ru-RU.
 * @returns {Language}
 */
export function preferred(wanted) {
  const names = wanted.map((tag) => tag.toLowerCase().split("-")[0]);
  return LANGUAGES.map(([language]) => language).find((language) => language === names.find(isOurs)) ?? "en";
}

/** @param {string | null | undefined} name */
function isOurs(name) {
  return LANGUAGES.some(([language]) => language === name);
}

/** @returns {Language | null} */
function readChoice() {
  try {
    const chosen = localStorage.getItem(KEY);
    return isOurs(chosen) ? /** @type {Language} */ (chosen) : null;
  } catch {
    return null;
  }
}

/**
 * Keeps the choice in this browser, and loads the page anew in that language.
 * @param {string} language
 */
export function chooseLanguage(language) {
  try {
    localStorage.setItem(KEY, language);
  } catch {
    // Where nothing may be stored, the browser's language stays.
  }
  location.reload();
}

/**
 * Formats a share: whole percents, and tenths below ten, so that a few failures are not none.
 * @param {number} share From 0 to 1.
 */
export function formatShare(share) {
  return (share < 0.1 ? TENTHS_OF_PERCENT : PERCENT).format(share);
}

/** @param {number} value */
export function formatCount(value) {
  return COUNT.format(value);
}

/**
 * Returns a phrase.
 * @param {Word} word
 * @param {Values} [values]
 */
export function say(word, values = {}) {
  return fill(TABLE[word], values);
}

/**
 * Returns a phrase about a number of things, in the plural form of the language.
 * @param {CountedWord} word
 * @param {number} count
 * @param {Values} [values]
 */
export function sayCount(word, count, values = {}) {
  const forms = TABLE[word];
  return fill(forms[PLURALS.select(count)] ?? forms.other, { ...values, count });
}

/**
 * Returns the word for one of the API's own, such as a status. One that the console does not know is shown as it came.
 * @param {Family} family
 * @param {string} name
 * @param {Values} [values]
 */
export function sayOf(family, name, values = {}) {
  const found = find(family, name);
  return found === null ? name.replaceAll("_", " ") : fill(found, values);
}

/**
 * Describes why a message is as it is: the phrases of Herald in the reader's language, the provider's as they came.
 * @param {string} reason
 * @returns {string}
 */
export function describeReason(reason) {
  const [what = "", last] = reason.split(", last ");
  if (last !== undefined) {
    return say("reason_and_last", { reason: describeReason(what), last: describeReason(last) });
  }
  return reason.split(": ").map(reasonOf).join(": ");
}

/** @param {string} part */
function reasonOf(part) {
  if (hasWord("reason", part)) {
    return sayOf("reason", part);
  }
  return (LANGUAGE === "ru" && Object.hasOwn(REASONS_RU, part) ? REASONS_RU[part] : null) ?? part;
}

/**
 * Whether the console has a word for one of the API's own.
 * @param {"detail" | "problem" | "reason"} family
 * @param {string} name
 */
export function hasWord(family, name) {
  return find(family, name) !== null;
}

/**
 * @param {string} family
 * @param {string} name
 * @returns {string | null}
 */
function find(family, name) {
  const key = `${family}_${name.toLowerCase().replaceAll(/[^a-z]+/g, "_")}`;
  const table = /** @type {Record<string, unknown>} */ (TABLE);
  const found = Object.hasOwn(table, key) ? table[key] : null;
  return typeof found === "string" ? found : null;
}

/**
 * Returns a phrase in which elements stand for some of the values.
 * @param {Word} word
 * @param {Record<string, Child>} elements
 * @returns {Child[]}
 */
export function sayWith(word, elements) {
  return TABLE[word].split(/(\{\w+\})/).map((part) => (
    part.startsWith("{") ? elements[part.slice(1, -1)] : part));
}

/**
 * @param {string} text
 * @param {Values} values
 */
function fill(text, values) {
  return text.replaceAll(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return typeof value === "number" ? formatCount(value) : String(value ?? "");
  });
}

/**
 * Returns sentences one after the other. Each is whole: no sentence is put together from parts.
 * @param {...(string | null)} all
 */
export function sentences(...all) {
  return all.filter((one) => one).join(" ");
}
