/**
 * The dialog that edits a mailing: only what its state allows, and only what was changed is sent. What is typed is kept
 * until it is stored or discarded. Who edits what somebody else has changed meanwhile is told, and loses nothing.
 */

/** @import { Mailing } from "api-types" */
/** @import { Child } from "../shared/elements.js" */
/** @import { MailingBody } from "../new_mailing/mailing_form.js" */

import { MailingForm, isSame, submitForm } from "../new_mailing/mailing_form.js";
import { Problem, call, getVersioned } from "../shared/api.js";
import { openDialog } from "../shared/dialog.js";
import { button, definitions, h, setChildren } from "../shared/elements.js";
import { dropDraft, keepDraft, readDraft } from "../shared/forms/drafts.js";
import { announce } from "../shared/notice.js";
import { expected, problemBox, whileBusy } from "../shared/problems.js";
import { say, sayOf } from "../shared/words/language.js";
import { audienceOf, missingInWords, windowInWords } from "./plan.js";

/**
 * Opens the dialog.
 * @param {Mailing} mailing
 * @param {(mailing: Mailing) => void} changed
 * @param {AbortSignal} signal
 */
export function editMailing({ id, status }, changed, signal) {
  const box = problemBox();
  const place = h("div", {}, h("p", { "aria-busy": "true" }, say("loading")));
  openDialog(say("edit_mailing", { id: String(id) }), (close) => {
    const done = (/** @type {Mailing | null} */ stored) => {
      if (stored !== null) {
        changed(stored);
        announce(say("mailing_changed", { id: String(id) }));
      }
      close();
    };
    whileBusy(place, box, async () => {
      /** @type {Versioned} */
      const found = await getVersioned(`mailings/${id}`, signal);
      const editor = new Editor(found, box, close, done);
      setChildren(place, editor.element);
      editor.form.filter.offerSegments(signal).catch(expected);
    });
    const isLimited = status !== "scheduled" && status !== "draft";
    return [isLimited && h("p", { class: "hint" }, say("edit_limits")), place, box];
  }, signal);
}

/** @typedef {{answer: Mailing, etag: string}} Versioned */

class Editor {
  /**
   * @param {Versioned} found
   * @param {HTMLElement} box
   * @param {() => void} close
   * @param {(stored: Mailing | null) => void} done
   */
  constructor({ answer, etag }, box, close, done) {
    this.path = `mailings/${answer.id}`;
    this.key = `edit-${answer.id}`;
    this.etag = etag;
    this.base = new MailingForm(answer).values().body;
    this.note = h("div", { class: "note", role: "status" });
    /** @type {Partial<MailingBody> | null} */
    const kept = readDraft(this.key);
    this.form = new MailingForm({ ...answer, ...kept }, () => this.keep(), this.base);
    this.submit = h("button", { type: "submit" }, say("save"));
    this.element = h("form", { novalidate: true }, this.note, this.form.element,
      h("footer", {}, button(say("discard"), () => this.discard(close), { class: "secondary outline" }),
        button(say("back"), close, { class: "secondary" }), this.submit));
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      whileBusy(this.submit, box, () => submitForm(this.form, this.form.changes(), box, async (body) => {
        const stored = Object.keys(body).length ? await this.save(body) : null;
        dropDraft(this.key);
        done(stored);
      }));
    });
    if (kept !== null) {
      setChildren(this.note, h("p", {}, say("edit_restored")));
    }
  }

  /** Keeps what was changed, so that leaving the page loses nothing. */
  keep() {
    const { body } = this.form.changes();
    if (Object.keys(body).length) {
      keepDraft(this.key, body);
    } else {
      dropDraft(this.key);
    }
  }

  /** @param {() => void} close */
  discard(close) {
    dropDraft(this.key);
    close();
  }

  /**
   * Stores the changes. Throws the problem where somebody else has changed what people wrote: then the next try is
   * based on what they have stored, and the note tells what that is.
   * @param {Partial<MailingBody>} body
   * @returns {Promise<Mailing>}
   */
  async save(body) {
    try {
      return await call("PATCH", this.path, { body, headers: { "If-Match": this.etag } });
    } catch (error) {
      if (!(error instanceof Problem && error.status === 412)) {
        throw error;
      }
      /** @type {Versioned} */
      const { answer, etag } = await getVersioned(this.path);
      const theirs = new MailingForm(answer).values().body;
      const names = /** @type {Array<keyof MailingBody>} */ (Object.keys(theirs));
      const differing = names.filter((name) => !isSame(theirs[name], this.base[name]));
      this.etag = etag;
      this.base = theirs;
      if (!differing.length) {
        // It has started, or was paused: nothing that anybody wrote.
        return this.save(body);
      }
      this.tell(theirs, differing);
      throw error;
    }
  }

  /**
   * @param {MailingBody} theirs
   * @param {Array<keyof MailingBody>} names
   */
  tell(theirs, names) {
    setChildren(this.note, h("p", {}, say("edited_by_others")), h("dl", { class: "plan" }, names.map((name) => (
      h("div", {}, h("dt", {}, sayOf("field", name)), h("dd", {}, show(theirs, name)))))));
    this.note.scrollIntoView({ block: "nearest" });
  }
}

/**
 * @param {MailingBody} body
 * @param {keyof MailingBody} name
 * @returns {Child}
 */
function show(body, name) {
  switch (name) {
    case "filter":
      return h("dl", {}, definitions(audienceOf(body.filter)));
    case "window":
      return body.window === null ? say("any_hour") : windowInWords(body.window);
    case "on_missing":
      return missingInWords(body.on_missing);
    default:
      return body[name];
  }
}
