/** Who would get a draft if it started now, and the first texts, as the API renders them. */

/** @import { Mailing, Preview } from "api-types" */

import { previewSection } from "../new_mailing/preview.js";
import { get, isAbort } from "../shared/api.js";
import { h, setChildren } from "../shared/elements.js";
import { expected, problemBox, showProblem } from "../shared/problems.js";

export class DraftPreview {
  /** @param {AbortSignal} signal */
  constructor(signal) {
    this.signal = signal;
    this.shown = "";
    this.box = problemBox();
    this.preview = h("div", {});
    this.element = h("div", { "aria-live": "polite" }, this.box, this.preview);
  }

  /**
   * Counts again where the draft was changed; of what is no draft any more, it shows nothing.
   * @param {Mailing} mailing
   */
  async update({ id, status, updated_at: version }) {
    this.element.hidden = status !== "draft";
    if (status !== "draft" || this.shown === version) {
      return;
    }
    this.shown = version;
    setChildren(this.box);
    try {
      /** @type {Preview} */
      const found = await get(`mailings/${id}/preview`, {}, this.signal);
      setChildren(this.preview, previewSection(found));
    } catch (error) {
      if (!isAbort(error)) {
        this.shown = "";
        showProblem(this.box, expected(error));
      }
    }
  }
}
