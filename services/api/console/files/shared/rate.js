/** Measures how fast a count grows. */

const WINDOW_MS = 15_000;
// Over a shorter time the rate would jump.
const SHORTEST_MS = 1000;

/** The rate of a growing count over the last seconds, as this page has seen it. */
export class Rate {
  /** @type {Array<{count: number, at: number}>} */
  samples = [];

  /**
   * Adds a sample. A count that falls discards the samples before it.
   * @param {number} count
   */
  add(count) {
    const at = Date.now();
    const last = this.samples.at(-1);
    if (last && count < last.count) {
      this.samples = [];
    }
    this.samples.push({ count, at });
    this.samples = this.samples.filter((sample) => at - sample.at <= WINDOW_MS);
  }

  /** The growth in a second, or null where there are too few samples. */
  get perSecond() {
    const first = this.samples[0];
    const last = this.samples.at(-1);
    if (!first || !last || last.at - first.at < SHORTEST_MS) {
      return null;
    }
    return ((last.count - first.count) * 1000) / (last.at - first.at);
  }
}
