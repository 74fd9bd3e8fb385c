/** Follows the statistics of a mailing by server-sent events. EventSource cannot send a token; fetch can. */

/** @import { MailingStatistics } from "api-types" */
/** @import { Source } from "../shared/connection.js" */

import { Problem, Unreachable, get, isAbort, open } from "../shared/api.js";
import { addSource, pause, untilVisible } from "../shared/connection.js";
import { backOff, isTemporary } from "../shared/polling.js";
import { say } from "../shared/words/language.js";
import { readEvents } from "./server_sent_events.js";

// The API writes at least a comment every 15 s.
const SILENCE_MS = 40_000;
// Statistics come about once a second.
const LATE_MS = 5_000;
// While the stream is refused, the statistics are loaded this often.
const FALLBACK_MS = 2_000;

/** @typedef {(statistics: MailingStatistics) => void} Show */

/**
 * Follows a mailing's statistics, in a stream that is opened again when it was cut, until the mailing has ended or is
 * gone, or the signal is aborted. Throws what will not pass by itself.
 * @param {number} mailingId
 * @param {Show} show
 * @param {AbortSignal} signal
 */
export async function followStatistics(mailingId, show, signal) {
  const source = addSource(signal);
  try {
    await new Follower(mailingId, show, signal, source).run();
  } finally {
    source.end();
  }
}

/** The page was hidden, and the stream closed for that. */
class Hidden extends Error {}

class Follower {
  /**
   * @param {number} mailingId
   * @param {Show} show
   * @param {AbortSignal} signal
   * @param {Source} source
   */
  constructor(mailingId, show, signal, source) {
    this.path = `mailings/${mailingId}/statistics`;
    this.show = show;
    this.signal = signal;
    this.source = source;
    this.failures = 0;
  }

  async run() {
    while (!this.signal.aborted) {
      await untilVisible(this.signal);
      try {
        if (await this.readStream()) {
          return;
        }
        this.fail(say("stream_cut"));
      } catch (error) {
        if (this.signal.aborted) {
          return;
        }
        if (error instanceof Hidden) {
          continue;
        }
        await this.recover(error);
      }
      await pause(Math.max(0, (this.source.retryAt - Date.now()) / 1000), this.signal);
    }
  }

  /** @param {string} text */
  fail(text) {
    this.failures += 1;
    this.source.fail(text, backOff(this.failures));
  }

  /** @param {unknown} error */
  async recover(error) {
    if (!isTemporary(error)) {
      throw error;
    }
    this.fail(error instanceof Problem ? error.said : error.message);
    if (error instanceof Problem && error.status === 503) {
      await this.loadOnce();
    }
  }

  /** Too many streams may be open; the statistics themselves can be loaded all the same. */
  async loadOnce() {
    try {
      this.show(await get(this.path, {}, this.signal));
      this.source.succeed();
      this.source.retryAt = Date.now() + FALLBACK_MS;
    } catch (error) {
      if (!isTemporary(error) && !this.signal.aborted) {
        throw error;
      }
    }
  }

  /** Reads one stream. Returns whether it reached its end: the mailing has ended or is gone. */
  async readStream() {
    const controller = new AbortController();
    const timers = new Timers(this.source, controller);
    const hide = () => document.hidden && controller.abort(new Hidden());
    document.addEventListener("visibilitychange", hide);
    try {
      const both = AbortSignal.any([this.signal, controller.signal]);
      const { body } = await open("GET", `${this.path}/stream`, { signal: both });
      return body !== null && await this.readBody(body, timers);
    } catch (error) {
      throw controller.signal.aborted ? controller.signal.reason : readFailure(error);
    } finally {
      timers.clear();
      document.removeEventListener("visibilitychange", hide);
      controller.abort();
    }
  }

  /**
   * @param {ReadableStream<Uint8Array<ArrayBuffer>>} body
   * @param {Timers} timers
   */
  async readBody(body, timers) {
    for await (const { name, data } of readEvents(body, () => timers.restartSilence())) {
      if (name === "statistics") {
        timers.restartLate();
        this.failures = 0;
        this.source.succeed();
        this.show(data);
      } else if (name === "unavailable") {
        timers.stopLate();
        this.source.fail(say("stream_unavailable"), 1);
      } else if (name === "end") {
        return data.reason === "ended" || data.reason === "gone";
      }
    }
    return false;
  }
}

/** @param {unknown} error */
function readFailure(error) {
  const known = error instanceof Problem || error instanceof Unreachable || isAbort(error);
  return known ? error : new Unreachable(say("stream_cut"));
}

/** Notices when nothing comes: soon that the figures are old, later that the connection is dead. */
class Timers {
  /**
   * @param {Source} source
   * @param {AbortController} controller
   */
  constructor(source, controller) {
    this.source = source;
    this.controller = controller;
    this.silence = this.startSilence();
    this.late = this.startLate();
  }

  startSilence() {
    return setTimeout(() => this.controller.abort(new Unreachable(say("stream_stopped"))), SILENCE_MS);
  }

  startLate() {
    return setTimeout(() => this.source.fail(say("stream_late"), 1), LATE_MS);
  }

  restartSilence() {
    clearTimeout(this.silence);
    this.silence = this.startSilence();
  }

  restartLate() {
    clearTimeout(this.late);
    this.late = this.startLate();
  }

  /** The API has given the reason why there are no figures. */
  stopLate() {
    clearTimeout(this.late);
  }

  clear() {
    clearTimeout(this.silence);
    clearTimeout(this.late);
  }
}
