/**
 * A place for a file: it can be dropped there, or chosen. Beside it stands how much of it was sent.
 *
 * The browser's own input lies over it unseen: its words are in the browser's language.
 */

/** @import { Progress } from "../upload.js" */

import { h, setChildren, setText } from "../elements.js";
import { formatBytes } from "../format.js";
import { say } from "../words/language.js";
import { field } from "./fields.js";

export class FileDrop {
  /**
   * @param {string} label
   * @param {string} hint
   * @param {string} accept
   * @param {(file: File) => unknown} onfile Called with each file that is dropped or chosen.
   */
  constructor(label, hint, accept, onfile) {
    this.onfile = onfile;
    /** @type {HTMLInputElement} */
    this.input = h("input", { type: "file", accept, onchange: () => this.take(this.input.files?.[0]) });
    this.name = h("span", {}, say("no_file"));
    this.sent = h("div", { "aria-live": "polite" });
    this.element = h("div", {
      class: "drop",
      ondragover: (/** @type {DragEvent} */ event) => this.hover(event, true),
      ondragleave: (/** @type {DragEvent} */ event) => this.hover(event, false),
      ondrop: (/** @type {DragEvent} */ event) => this.drop(event),
    }, field("file", label, this.input, hint), this.sent);
    this.input.after(h("span", { class: "file", "aria-hidden": "true" },
      h("span", { class: "choose" }, say("choose_file")), this.name));
  }

  /** @param {File | undefined} file */
  take(file) {
    if (file !== undefined) {
      setText(this.name, file.name);
      this.onfile(file);
    }
  }

  /**
   * @param {DragEvent} event
   * @param {boolean} over
   */
  hover(event, over) {
    event.preventDefault();
    this.element.classList.toggle("over", over);
  }

  /** @param {DragEvent} event */
  drop(event) {
    this.hover(event, false);
    if (event.dataTransfer?.files.length) {
      this.input.files = event.dataTransfer.files;
      this.take(event.dataTransfer.files[0]);
    }
  }

  /**
   * Shows a bar while a file is sent.
   * @template Answer
   * @param {File} file
   * @param {(progress: Progress) => Promise<Answer>} send
   * @returns {Promise<Answer>}
   */
  async sending(file, send) {
    const bar = h("progress", { max: 1, "aria-label": say("uploaded") });
    const text = h("p", { class: "hint" });
    setChildren(this.sent, bar, text);
    try {
      return await send((bytes) => {
        bar.value = bytes / file.size;
        const share = say("uploaded_share", { sent: formatBytes(bytes), size: formatBytes(file.size) });
        setText(text, bytes < file.size ? share : say("storing"));
      });
    } finally {
      setChildren(this.sent);
    }
  }
}
