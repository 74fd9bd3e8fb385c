/** Shows the page that belongs to the address. Addresses follow the #, so no server sees them; they hold no secrets. */

/** @import { Child } from "./elements.js" */
/** @import { Query } from "./api.js" */
/** @import { Word } from "./words/language.js" */

import { byId, h, setChildren } from "./elements.js";
import { expected, problemBox, showProblem } from "./problems.js";
import { say } from "./words/language.js";

/**
 * What a page is given: the element to build into, the ids in its address, the parameters of its address, and a signal
 * that is aborted when the user leaves it.
 * @typedef {object} PageContext
 * @property {HTMLElement} main
 * @property {string[]} ids
 * @property {URLSearchParams} query
 * @property {AbortSignal} signal
 */

/** @typedef {[address: RegExp, title: Word, show: (context: PageContext) => unknown]} Page */

const main = byId("main");
/** @type {Page[]} */
let pages = [];
let controller = new AbortController();

/**
 * Begins to show pages.
 * @param {Page[]} table
 */
export function start(table) {
  pages = table;
  show();
}

window.addEventListener("hashchange", () => isOurs() && show());

/** Leaves the page that is shown, and shows no other until start is called again. */
export function stop() {
  pages = [];
  controller.abort();
}

/**
 * Goes to an address of the console; shows it again where it is shown already.
 * @param {string} address
 */
export function go(address) {
  if (location.hash === address) {
    show();
  } else {
    location.hash = address;
  }
}

/**
 * Returns the address of a page with parameters.
 * @param {string} path
 * @param {Query} [query]
 */
export function link(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
  const search = given.map(([name, value]) => [name, String(value)]);
  return search.length ? `#/${path}?${new URLSearchParams(search)}` : `#/${path}`;
}

/**
 * Returns a parameter of the present address.
 * @param {string} name
 */
export function recall(name) {
  return new URLSearchParams(location.hash.split("?")[1] ?? "").get(name);
}

/**
 * Keeps a parameter in the present address, so that a reload and the way back find it; the page is not shown again.
 * @param {string} name
 * @param {string | null} value
 */
export function remember(name, value) {
  const [path = "", search = ""] = location.hash.split("?");
  const query = new URLSearchParams(search);
  if (value) {
    query.set(name, value);
  } else {
    query.delete(name);
  }
  history.replaceState(history.state, "", query.size ? `${path}?${query}` : path || "#/");
}

function isOurs() {
  return location.hash === "" || location.hash.startsWith("#/");
}

async function show() {
  if (!pages.length) {
    return;
  }
  controller.abort();
  controller = new AbortController();
  const { signal } = controller;
  const [path = "", search = ""] = (location.hash.startsWith("#/") ? location.hash.slice(2) : "").split("?");
  const { ids, title, page } = match(path);
  document.title = say("page_title", { page: say(title) });
  markCurrent(path);
  setChildren(main);
  main.classList.remove("stale");
  window.scrollTo(0, 0);
  try {
    await page({ main, ids, query: new URLSearchParams(search), signal });
  } catch (error) {
    if (!signal.aborted) {
      showFailure(error);
    }
  }
}

/** @param {string} path */
function match(path) {
  for (const [pattern, title, page] of pages) {
    const found = pattern.exec(path);
    if (found) {
      return { ids: found.slice(1), title, page };
    }
  }
  return { ids: [], title: /** @type {Word} */ ("not_found"), page: showNotFound };
}

/** @param {PageContext} context */
function showNotFound(context) {
  context.main.append(heading(say("page_not_found")));
}

/**
 * Shows why a page cannot be shown, such as that of a mailing that does not exist.
 * @param {unknown} error
 */
function showFailure(error) {
  const box = problemBox();
  main.prepend(box);
  showProblem(box, expected(error));
}

/** @type {Record<string, string>} Pages that have no link in the navigation, and the page that leads to them. */
const REACHED_FROM = { segments: "clients", "stop-list": "clients", events: "settings" };

/**
 * Marks the link of the navigation by which one gets to a page.
 * @param {string} path
 */
function markCurrent(path) {
  const [first = ""] = path.split("/");
  for (const anchor of document.querySelectorAll("#nav a")) {
    const own = anchor.getAttribute("href")?.slice(2);
    if (own === (REACHED_FROM[first] ?? first)) {
      anchor.setAttribute("aria-current", "page");
    } else {
      anchor.removeAttribute("aria-current");
    }
  }
}

/**
 * Makes the title of a page. It takes the focus, so that a screen reader reads it.
 * @param {...Child} text
 */
export function heading(...text) {
  const title = h("h1", { tabindex: "-1" }, text);
  requestAnimationFrame(() => document.querySelector("dialog[open]") || title.focus({ preventScroll: true }));
  return title;
}
