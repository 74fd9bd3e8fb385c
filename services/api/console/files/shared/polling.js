/** Looks again and again while the page can be seen, ever less often while nothing answers. */

import { Problem, Unreachable } from "./api.js";
import { pause, seen, source } from "./connection.js";

const LONGEST = 20;
// A look that takes longer leaves old figures on the page.
const LATE_MS = 5_000;

/** Seconds until the next try: 1, 2, 4 and so on, spread a little, so that not everybody comes back at once. */
export function backOff(failures) {
  return Math.min(2 ** (failures - 1), LONGEST) * (0.8 + 0.4 * Math.random());
}

/** Whether what went wrong may be well a little later. */
export function passing(error) {
  return error instanceof Unreachable || (error instanceof Problem && error.passing);
}

/**
 * Call `look(signal)` every so many seconds until the signal is aborted or `look` answers false.
 * Raises what will not pass by itself, such as a 404.
 */
export async function poll(look, seconds, signal) {
  const own = source(signal);
  try {
    await looking(look, seconds, signal, own);
  } finally {
    own.end();
  }
}

/** Look until it succeeds once. */
export function once(look, signal) {
  return poll(async () => {
    await look();
    return false;
  }, 1, signal);
}

/** A poll that can be begun anew, such as for another page of a list. `failed` rejects with what will not pass. */
export class Repeating {
  constructor(look, seconds, signal) {
    this.begin = (own) => poll(look, seconds, own);
    this.signal = signal;
    this.failed = new Promise((_, reject) => {
      this.reject = reject;
    });
    this.inner = new AbortController();
  }

  again() {
    this.inner.abort();
    this.inner = new AbortController();
    const { signal } = this.inner;
    this.begin(AbortSignal.any([this.signal, signal])).catch((error) => signal.aborted || this.reject(error));
  }
}

/** Say that figures are old while their look takes long. */
async function impatiently(looked, own) {
  const timer = setTimeout(() => own.failed("No answer has come for some seconds.", 0), LATE_MS);
  try {
    return await looked;
  } finally {
    clearTimeout(timer);
  }
}

async function looking(look, seconds, signal, own) {
  for (let failures = 0; !signal.aborted;) {
    await seen(signal);
    try {
      const more = await impatiently(look(signal), own);
      failures = 0;
      own.fresh();
      if (more === false) {
        return;
      }
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      if (!passing(error)) {
        throw error;
      }
      failures += 1;
      own.failed(error.message, Math.max(backOff(failures), error.retryAfter ?? 0));
    }
    await pause(failures ? Math.max(0, (own.retryAt - Date.now()) / 1000) : seconds, signal);
  }
}
