/**
 * Shows whether the figures on the page are current. Everything that is loaded again and again is a source; while one
 * of them fails, a banner gives the reason and the time of the figures.
 */

import { button, byId, h, setChildren, setText } from "./elements.js";
import { formatClock } from "./format.js";
import { announce } from "./notice.js";
import { say } from "./words/language.js";

const banner = byId("banner");
const freshness = byId("freshness");
const main = byId("main");
const countdown = h("span", { "aria-hidden": "true" });

/** @type {Set<Source>} */
const sources = new Set();
const wake = new EventTarget();
/** @type {string | null} The text of the banner. */
let shownWarning = null;

/** Something on the page that is loaded again and again. Times are milliseconds since 1970. */
export class Source {
  /** @type {number | null} */
  loadedAt = null;
  /** @type {string | null} */
  failure = null;
  retryAt = 0;

  /** Notes that the figures are current. */
  succeed() {
    this.loadedAt = Date.now();
    this.failure = null;
    showFreshness();
  }

  /**
   * Notes that nothing came, and that the next try is in so many seconds.
   * @param {string} text
   * @param {number} seconds
   */
  fail(text, seconds) {
    this.failure = text;
    this.retryAt = Date.now() + seconds * 1000;
    showFreshness();
  }

  /** Takes the source off the page. */
  end() {
    sources.delete(this);
    showFreshness();
  }
}

/**
 * Adds a source that counts until it ends or the signal is aborted.
 * @param {AbortSignal} signal
 */
export function addSource(signal) {
  const added = new Source();
  sources.add(added);
  signal.addEventListener("abort", () => added.end());
  return added;
}

/**
 * Waits. Ends early when the user asks for a try, the network is back, the page is shown again or the signal is
 * aborted.
 * @param {number} seconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export function pause(seconds, signal) {
  return new Promise((resolve) => {
    const controller = new AbortController();
    const end = () => {
      clearTimeout(timer);
      controller.abort();
      resolve();
    };
    const timer = setTimeout(end, seconds * 1000);
    wake.addEventListener("wake", end, { signal: controller.signal });
    signal.addEventListener("abort", end, { signal: controller.signal });
  });
}

/**
 * Waits until the page is visible or the signal is aborted.
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export function untilVisible(signal) {
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

function showFreshness() {
  const loaded = [...sources].map((source) => source.loadedAt).filter((at) => at !== null);
  const asOf = loaded.length ? formatClock(Math.min(...loaded)) : null;
  const failure = [...sources].map((source) => source.failure).find((text) => text !== null) ?? null;
  setText(freshness, asOf === null ? "" : say("as_of", { clock: asOf }));
  main.classList.toggle("stale", failure !== null && asOf !== null);
  if (failure === null) {
    hideWarning();
  } else {
    showWarning(failure, asOf);
  }
}

function hideWarning() {
  if (shownWarning !== null) {
    shownWarning = null;
    banner.hidden = true;
    setChildren(banner);
    announce(say("connection_back"));
  }
}

/**
 * Shows the banner. A screen reader reads the text once; the countdown is hidden from it.
 * @param {string} failure
 * @param {string | null} asOf
 */
function showWarning(failure, asOf) {
  const text = asOf === null ? failure : say("figures_as_of", { failure, clock: asOf });
  if (shownWarning !== text) {
    shownWarning = text;
    announce("");
    setChildren(banner, h("span", { role: "alert" }, text), " ", countdown,
      button(say("try_now"), wakeAll, { class: "small" }));
    banner.hidden = false;
  }
  showCountdown();
}

function showCountdown() {
  const due = [...sources].filter((source) => source.failure !== null).map((source) => source.retryAt);
  const seconds = Math.ceil((Math.min(...due) - Date.now()) / 1000);
  setText(countdown, due.length && seconds > 0 ? say("next_try", { count: seconds }) : say("trying"));
}

setInterval(() => shownWarning !== null && showCountdown(), 500);
