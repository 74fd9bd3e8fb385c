/** Opens dialogs. */

/** @import { Child } from "./elements.js" */

import { button, h, uniqueId } from "./elements.js";
import { problemBox, whileBusy } from "./problems.js";
import { say } from "./words/language.js";

/**
 * Opens a dialog, which leaves the page when it is closed. An abort of `signal` closes it.
 * @param {string} title
 * @param {(close: () => void) => Child} content Makes the body.
 * @param {AbortSignal} signal
 */
export function openDialog(title, content, signal) {
  const id = uniqueId("dialog");
  const dialog = h("dialog", { "aria-labelledby": id });
  const close = () => dialog.close();
  dialog.append(h("article", {},
    h("header", {}, button("×", close, { class: "close", "aria-label": say("close") }), h("h2", { id }, title)),
    content(close)));
  dialog.addEventListener("close", () => dialog.remove());
  signal.addEventListener("abort", close);
  document.body.append(dialog);
  dialog.showModal();
  // Whoever uses the keyboard begins at the first field, not at the button that closes the dialog.
  const field = dialog.querySelector("form input, form textarea, form select");
  if (field instanceof HTMLElement && dialog.querySelector("[autofocus]") === null) {
    field.focus();
  }
  return dialog;
}

/**
 * Asks before an action. Problems of the action are shown in the dialog, which stays open then.
 * @param {object} question
 * @param {string} question.title
 * @param {string} question.text
 * @param {string} question.action The text of the button.
 * @param {() => unknown} question.perform
 * @param {boolean} [question.danger] Whether the action cannot be undone.
 * @param {AbortSignal} signal
 */
export function confirmAction({ title, text, action, perform, danger = true }, signal) {
  const box = problemBox();
  openDialog(title, (close) => {
    const confirm = button(action, async () => {
      if (await whileBusy(confirm, box, perform)) {
        close();
      }
    }, { class: danger ? "danger" : null });
    const back = button(say("back"), close, { class: "secondary", autofocus: true });
    return [h("p", {}, text), box, h("footer", {}, back, confirm)];
  }, signal);
}
