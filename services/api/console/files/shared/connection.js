/**
 * Whether what is shown is of now. Everything that looks again and again is a source; while one of them fails, a banner
 * says so, and of when the figures are.
 */

import { announce } from "./dialog.js";
import { fill, h, say } from "./elements.js";
import { clock } from "./format.js";

const banner = document.getElementById("banner");
const freshness = document.getElementById("freshness");
const main = document.getElementById("main");

/** @type {Set<Source>} */
const sources = new Set();
const wake = new EventTarget();
let reason = null;

class Source {
  at = null;
  failure = null;
  retryAt = 0;

  /** What is shown is of now. */
  fresh() {
    this.at = Date.now();
    this.failure = null;
    show();
  }

  /** Nobody looks any more. */
  end() {
    sources.delete(this);
    show();
  }

  /** Nothing came, and the next try is after `seconds`. */
  failed(text, seconds) {
    this.failure = text;
    this.retryAt = Date.now() + seconds * 1000;
    show();
  }
}

/** A source that counts until the signal is aborted. */
export function source(signal) {
  const made = new Source();
  sources.add(made);
  signal.addEventListener("abort", () => made.end());
  return made;
}

/** Wait, but no longer than until somebody wants it now, the network is back, or the page is shown again. */
export function pause(seconds, signal) {
  return new Promise((resolve) => {
    const controller = new AbortController();
    const done = () => {
      clearTimeout(timer);
      controller.abort();
      resolve();
    };
    const timer = setTimeout(done, seconds * 1000);
    wake.addEventListener("wake", done, { signal: controller.signal });
    signal.addEventListener("abort", done, { signal: controller.signal });
  });
}

/** Wait until the page can be seen. */
export function seen(signal) {
  return new Promise((resolve) => {
    const look = () => {
      if (!document.hidden || signal.aborted) {
        document.removeEventListener("visibilitychange", look);
        resolve();
      }
    };
    document.addEventListener("visibilitychange", look);
    signal.addEventListener("abort", look);
    look();
  });
}

function wakeAll() {
  wake.dispatchEvent(new Event("wake"));
}

window.addEventListener("online", wakeAll);
document.addEventListener("visibilitychange", () => document.hidden || wakeAll());

function show() {
  const known = [...sources].filter((one) => one.at !== null).map((one) => one.at);
  const asOf = known.length ? clock(Math.min(...known)) : null;
  const failing = [...sources].find((one) => one.failure !== null);
  say(freshness, asOf === null ? "" : `As of ${asOf}`);
  main.classList.toggle("stale", failing !== undefined && asOf !== null);
  if (failing === undefined) {
    hide();
  } else {
    warn(failing.failure, asOf);
  }
}

function hide() {
  if (reason !== null) {
    reason = null;
    banner.hidden = true;
    fill(banner);
    announce("The connection is back.");
  }
}

const countdown = h("span", { "aria-hidden": "true" });

/** The text is said once; the seconds are for the eyes alone. */
function warn(text, asOf) {
  const full = asOf === null ? text : `${text} What is shown is as of ${asOf}.`;
  if (reason !== full) {
    reason = full;
    announce("");
    fill(banner, h("span", { role: "alert" }, full), " ", countdown,
      h("button", { type: "button", class: "small", onclick: wakeAll }, "Try now"));
    banner.hidden = false;
  }
  tick();
}

function tick() {
  const due = [...sources].filter((one) => one.failure !== null).map((one) => one.retryAt);
  const seconds = Math.ceil((Math.min(...due) - Date.now()) / 1000);
  say(countdown, due.length && seconds > 0 ? `Next try in ${seconds} s.` : "Trying again.");
}

setInterval(() => reason !== null && tick(), 500);
