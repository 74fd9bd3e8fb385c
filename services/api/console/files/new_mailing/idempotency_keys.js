/** Makes idempotency keys: a body that is sent twice makes one mailing, also where the first answer was lost. */

const KEY_BYTES = 16;

export class IdempotencyKeys {
  constructor() {
    this.body = "";
    this.key = "";
  }

  /**
   * Returns the key of a body: the same as before where the body is the same as before.
   * @param {unknown} body
   */
  keyOf(body) {
    const text = JSON.stringify(body);
    if (text !== this.body) {
      this.body = text;
      // Unlike randomUUID, this exists without HTTPS, too.
      const random = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
      this.key = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
    }
    return this.key;
  }
}
