/** Counts the recipients of a mailing while it is written, and suggests tags and codes with their counts. */

/** @import { FieldError, Preview } from "api-types" */
/** @import { MailingBody, MailingForm } from "./mailing_form.js" */

import { Problem, call } from "../shared/api.js";
import { h, setChildren, setText } from "../shared/elements.js";
import { expected } from "../shared/problems.js";
import { say, sayCount, sayWith } from "../shared/words/language.js";

// Long enough that a word is typed without a request for each letter.
const PAUSE_MS = 600;
const HOUR_MS = 3_600_000;
// A text that every client can be sent, and that says nothing of them.
const ANY_TEXT = "-";

export class LiveAudience {
  /**
   * @param {MailingForm} form
   * @param {boolean} isNew Whether nothing was written before.
   * @param {AbortSignal} signal
   */
  constructor(form, isNew, signal) {
    this.form = form;
    this.isNew = isNew;
    this.signal = signal;
    this.asked = "";
    this.asking = new AbortController();
    /** Whether the directory is empty, as far as that is known. */
    this.noClients = false;
    /** @type {Preview | FieldError[]} What was shown last. */
    this.shown = [];
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.element = h("p", { class: "audience", role: "status" });
    signal.addEventListener("abort", () => {
      clearTimeout(this.timer);
      this.asking.abort();
    });
    this.suggest();
    this.count();
    form.filter.offerSegments(signal).catch(expected);
  }

  /** Counts a little after the last change, if that concerns who gets the mailing. */
  change() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.count(), PAUSE_MS);
  }

  async count() {
    const { body } = this.form.values();
    const key = JSON.stringify([body.filter, body.window, body.start_at, body.end_at]);
    if (key === this.asked) {
      return;
    }
    this.asked = key;
    this.asking.abort();
    this.asking = new AbortController();
    this.show(await ask(body, AbortSignal.any([this.signal, this.asking.signal])));
  }

  /** @param {Preview | FieldError[]} found */
  show(found) {
    this.shown = found;
    if (Array.isArray(found)) {
      const unfinished = found.some(({ loc }) => loc[1] === "filter");
      setText(this.element, unfinished ? say("filter_unfinished") : "");
      return;
    }
    const { recipients, unreachable } = found;
    const goes = sayCount(unreachable > 0 ? "goes_to_some" : "goes_to", recipients, { unreachable });
    setText(this.element, recipients === 0 ? say("nobody") : goes);
    if (this.noClients) {
      setChildren(this.element, sayWith("nobody_yet", {
        link: h("a", { href: "#/clients/import" }, say("import_them")),
      }));
    }
    this.element.classList.toggle("many", recipients === 0);
  }

  /** Offers the tags and codes of the whole directory, and the window of mailings that name none. */
  async suggest() {
    const end = new Date(Date.now() + HOUR_MS).toISOString();
    const found = await ask({ filter: this.form.filter.everybody, end_at: end }, this.signal);
    if (!Array.isArray(found)) {
      this.noClients = found.recipients + found.opted_out === 0;
      // The count may have come first.
      this.show(this.shown);
      this.form.filter.suggest(found.by_operator_code, found.by_tag);
      if (this.isNew) {
        this.form.window.propose(found.window);
        this.change();
      }
    }
  }
}

/**
 * Asks for a preview. Where what is written so far allows none, returns what is wrong, which the button Preview tells;
 * and nothing where it was given up.
 * @param {Partial<MailingBody>} body
 * @param {AbortSignal} signal
 * @returns {Promise<Preview | FieldError[]>}
 */
async function ask(body, signal) {
  try {
    return await call("POST", "mailings/preview", { body: { ...body, name: undefined, text: ANY_TEXT }, signal });
  } catch (error) {
    expected(error);
    return error instanceof Problem ? error.errors : [];
  }
}
