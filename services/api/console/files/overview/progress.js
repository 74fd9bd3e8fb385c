/** Follows how fast messages become final, and notices when none does though mailings run. */

/** @import { Totals } from "api-types" */

import { formatCountOf, formatDuration, formatRate } from "../shared/format.js";
import { Rate } from "../shared/rate.js";
import { countFinal, countWaiting } from "../shared/vocabulary.js";

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
    const wait = this.waiting ? `${formatCountOf(this.waiting, "message")} wait.` : "No message waits.";
    const { perSecond } = this.rate;
    return perSecond === null ? wait : `${wait} ${formatRate(perSecond)} became final over the last seconds.`;
  }

  /** Returns what may be the matter where no message has become final for long, and else nothing. */
  describeStall() {
    const seconds = Math.floor((Date.now() - this.changedAt) / 1000 / STEP_SECONDS) * STEP_SECONDS;
    if (seconds < STALL_SECONDS) {
      return "";
    }
    return `No message became final for ${formatDuration(seconds)}, though ${formatCountOf(this.running, "mailing")} `
      + "should be sending. Retries may wait for their time, windows may be closed, or sending may be held because the "
      + "provider is away: /readyz of a dispatcher says which.";
  }
}
