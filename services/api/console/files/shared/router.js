/** Which view belongs to the address. Addresses are after the #, so that no server sees them; they hold no secrets. */

import { known, problemPlace, showProblem } from "./dialog.js";
import { fill, h } from "./elements.js";

const main = document.getElementById("main");
let views = [];
let controller = new AbortController();

/**
 * Begin to show views: rows of [pattern, title, view], where `view(context)` builds into context.main.
 * @param {Array<[RegExp, string, (context: object) => unknown]>} table
 */
export function start(table) {
  views = table;
  show();
}

window.addEventListener("hashchange", () => isOurs() && show());

/** Leave what is shown, and show no more. */
export function stop() {
  views = [];
  controller.abort();
}

export function go(address) {
  if (location.hash === address) {
    show();
  } else {
    location.hash = address;
  }
}

/** An address of a view with parameters; those that are null are left out. */
export function link(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
  return given.length ? `#/${path}?${new URLSearchParams(given)}` : `#/${path}`;
}

function isOurs() {
  return location.hash === "" || location.hash.startsWith("#/");
}

async function show() {
  if (!views.length) {
    return;
  }
  controller.abort();
  controller = new AbortController();
  const { signal } = controller;
  const [path, search = ""] = (location.hash.startsWith("#/") ? location.hash.slice(2) : "").split("?");
  const [found, title, view] = match(path);
  document.title = `${title}: Herald`;
  mark(path);
  fill(main);
  main.classList.remove("stale");
  window.scrollTo(0, 0);
  try {
    await view({ main, ids: found.slice(1), query: new URLSearchParams(search), signal });
  } catch (error) {
    if (!signal.aborted) {
      failed(error);
    }
  }
}

function match(path) {
  for (const [pattern, title, view] of views) {
    const found = pattern.exec(path);
    if (found) {
      return [found, title, view];
    }
  }
  return [[""], "Not found", ({ main: place }) => place.append(heading("There is no such page"))];
}

/** Say that a view cannot be shown, such as that of a mailing that is gone. */
function failed(error) {
  const place = problemPlace();
  main.prepend(place);
  showProblem(place, known(error));
}

function mark(path) {
  for (const anchor of document.querySelectorAll("#nav a")) {
    const own = anchor.getAttribute("href").slice(2);
    const here = own === "" ? path === "" : path.split("/")[0] === own;
    here ? anchor.setAttribute("aria-current", "page") : anchor.removeAttribute("aria-current");
  }
}

/** The title of a view. It takes the focus, so that who cannot see hears where they are. */
export function heading(text, ...more) {
  const title = h("h1", { tabindex: "-1" }, text, more);
  requestAnimationFrame(() => document.querySelector("dialog[open]") || title.focus({ preventScroll: true }));
  return title;
}
