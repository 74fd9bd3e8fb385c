/** The line under the header in which the console announces what it has done. */

import { byId, setText } from "./elements.js";

const SHOWN_MS = 8000;

const notice = byId("notice");
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/**
 * Shows a text for some seconds.
 * @param {string} text
 */
export function announce(text) {
  clearTimeout(timer);
  setText(notice, text);
  timer = setTimeout(() => setText(notice, ""), SHOWN_MS);
}
