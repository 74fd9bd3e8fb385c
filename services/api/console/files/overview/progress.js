/** Follows how fast messages become final, and notices when none does although mailings are running. */

/** @import { Totals } from "api-types" */

import { formatDuration, formatRate } from "../shared/format.js";
import { Rate } from "../shared/rate.js";
import { countFinal, countWaiting } from "../shared/vocabulary.js";
import { say, sayCount, sentences } from "../shared/words/language.js";

// A shorter pause is nothing unusual.
const STALL_SECONDS = 20;
// The seconds are shown in such steps, since each change is read out by screen readers.
const STEP_SECONDS = 5;

export class Progress {
  constructor() {
    this.rate = new Rate();
    this.changedAt = Date.now();
    this.final = -1;
    this.waiting = 0;
    this.running = 0;
  }

  /** @param {Totals} totals */
  add({ messages, mailings }) {
    const final = countFinal(messages);
    this.waiting = countWaiting(messages);
    this.running = mailings.running;
    if (final !== this.final || !this.running || !this.waiting) {
      this.final = final;
      this.changedAt = Date.now();
    }
    this.rate.add(final);
  }

  describeSpeed() {
    const waiting = this.waiting ? sayCount("waiting", this.waiting) : say("none_waiting");
    const { perSecond } = this.rate;
    return perSecond === null ? waiting
      : sentences(waiting, say("became_final", { rate: formatRate(perSecond) }));
  }

  /** Returns a warning with possible causes when no message has become final for long, else an empty text. */
  describeStall() {
    const seconds = Math.floor((Date.now() - this.changedAt) / 1000 / STEP_SECONDS) * STEP_SECONDS;
    if (seconds < STALL_SECONDS) {
      return "";
    }
    return sayCount("stalled", this.running, { duration: formatDuration(seconds) });
  }
}
