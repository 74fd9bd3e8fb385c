/** Loads again and again while the page is visible, ever less often while nothing answers. */

/** @import { Source } from "./connection.js" */

import { Problem, Unreachable } from "./api.js";
import { addSource, pause, untilVisible } from "./connection.js";
import { say } from "./words/language.js";

const LONGEST_DELAY_SECONDS = 20;
// A load that takes longer leaves old figures on the page.
const LATE_MS = 5_000;

/**
 * Loads once. An answer of false means that there is nothing more to load.
 * @typedef {(signal: AbortSignal) => Promise<boolean | void>} Load
 */

/**
 * Returns the seconds until the next try: 1, 2, 4 and so on, spread a little, so that not all browsers come back at
 * once.
 * @param {number} failures
 */
export function backOff(failures) {
  return Math.min(2 ** (failures - 1), LONGEST_DELAY_SECONDS) * (0.8 + 0.4 * Math.random());
}

/**
 * Whether the same request may succeed a little later.
 * @param {unknown} error
 * @returns {error is Unreachable | Problem}
 */
export function isTemporary(error) {
  return error instanceof Unreachable || (error instanceof Problem && error.temporary);
}

/**
 * Calls `load` periodically until the signal is aborted or `load` answers false. Throws what will not pass by
 * itself, such as a 404.
 * @param {Load} load
 * @param {number} seconds
 * @param {AbortSignal} signal
 */
export async function poll(load, seconds, signal) {
  const source = addSource(signal);
  try {
    await loadUntilAborted(load, seconds, signal, source);
  } finally {
    source.end();
  }
}

/**
 * Calls `load` until it succeeds, and returns what it loaded; null where the signal was aborted before.
 * @template Loaded
 * @param {(signal: AbortSignal) => Promise<Loaded>} load
 * @param {AbortSignal} signal
 * @returns {Promise<Loaded | null>}
 */
export async function untilLoaded(load, signal) {
  /** @type {Loaded | null} */
  let loaded = null;
  await poll(async (own) => {
    loaded = await load(own);
    return false;
  }, 1, signal);
  return signal.aborted ? null : loaded;
}

/** A poll that can be restarted, such as for another page of a list. */
export class Poller {
  /**
   * @param {Load} load
   * @param {number} seconds
   * @param {AbortSignal} signal
   */
  constructor(load, seconds, signal) {
    this.load = load;
    this.seconds = seconds;
    this.signal = signal;
    this.inner = new AbortController();
    /** @type {(error: unknown) => void} */
    this.reject = () => {};
    /** @type {Promise<never>} Rejects with what will not pass by itself. */
    this.failed = new Promise((_, reject) => {
      this.reject = reject;
    });
  }

  restart() {
    this.inner.abort();
    this.inner = new AbortController();
    const { signal } = this.inner;
    poll(this.load, this.seconds, AbortSignal.any([this.signal, signal]))
      .catch((error) => signal.aborted || this.reject(error));
  }
}

/**
 * @param {Load} load
 * @param {number} seconds
 * @param {AbortSignal} signal
 * @param {Source} source
 */
async function loadUntilAborted(load, seconds, signal, source) {
  for (let failures = 0; !signal.aborted;) {
    await untilVisible(signal);
    try {
      const more = await warnWhenLate(load(signal), source);
      failures = 0;
      source.succeed();
      if (more === false) {
        return;
      }
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      if (!isTemporary(error)) {
        throw error;
      }
      failures += 1;
      const retryAfter = error instanceof Problem ? error.retryAfter : null;
      source.fail(error instanceof Problem ? error.said : error.message, Math.max(backOff(failures), retryAfter ?? 0));
    }
    await pause(failures ? Math.max(0, (source.retryAt - Date.now()) / 1000) : seconds, signal);
  }
}

/**
 * Warns that figures are old while their load takes long.
 * @template Loaded
 * @param {Promise<Loaded>} loading
 * @param {Source} source
 */
async function warnWhenLate(loading, source) {
  const timer = setTimeout(() => source.fail(say("api_late"), 0), LATE_MS);
  try {
    return await loading;
  } finally {
    clearTimeout(timer);
  }
}
