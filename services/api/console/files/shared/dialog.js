/** Dialogs, and buttons that work: what goes wrong is said where it was asked for. */

import { Problem, Unreachable } from "./api.js";
import { fill, freshId, h, say } from "./elements.js";

const notice = document.getElementById("notice");
let forget;

/** Say for some seconds what was done. */
export function announce(text) {
  clearTimeout(forget);
  say(notice, text);
  forget = setTimeout(() => say(notice, ""), 8000);
}

/** A place in which problems are said. */
export function problemPlace() {
  return h("div", { class: "problem", role: "alert" });
}

/** Say what went wrong: the sentence of the API, and each wrong value that has no field of its own here. */
export function showProblem(place, error, errors = error.errors ?? []) {
  fill(place, h("p", {}, error.message), errors.length > 0 && h("ul", {}, errors.map((one) => h("li", {}, line(one)))));
}

function line({ loc, msg }) {
  const place = loc.slice(1).join(" → ");
  return place ? `${place}: ${msg}` : msg;
}

/** Raise again what has nothing to do with the API, so that faults of the console are not hidden. */
export function known(error) {
  if (!(error instanceof Problem || error instanceof Unreachable || error.name === "AbortError")) {
    throw error;
  }
  return error;
}

/**
 * Do some work for a button, which is busy meanwhile, so that a second click does nothing.
 * Problems are said in `place`; other errors are raised. Returns whether it was done.
 */
export async function work(button, place, doing) {
  if (button.getAttribute("aria-busy") === "true") {
    return false;
  }
  button.setAttribute("aria-busy", "true");
  fill(place);
  try {
    await doing();
    return true;
  } catch (error) {
    showProblem(place, known(error));
    return false;
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/** Open a dialog; `content(close)` makes its body. It is taken away when it is closed, and `signal` closes it. */
export function openDialog(title, content, signal) {
  const id = freshId("dialog");
  const dialog = h("dialog", { "aria-labelledby": id });
  const close = () => dialog.close();
  dialog.append(h("article", {},
    h("header", {},
      h("button", { type: "button", class: "close", "aria-label": "Close", onclick: close }, "×"),
      h("h2", { id }, title)),
    content(close)));
  dialog.addEventListener("close", () => dialog.remove());
  signal?.addEventListener("abort", close);
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * Ask before something is done that cannot be taken back. `doing` is the work; problems are said in the dialog.
 * Returns whether it was done.
 */
export function confirm({ title, text, action, danger = true, doing, extra = null }, signal) {
  return new Promise((resolve) => {
    let done = false;
    const place = problemPlace();
    const dialog = openDialog(title, (close) => {
      const button = h("button", { type: "button", class: danger ? "danger" : null }, action);
      button.addEventListener("click", async () => {
        if (await work(button, place, doing)) {
          done = true;
          close();
        }
      });
      const leave = h("button", { type: "button", class: "secondary", autofocus: true, onclick: close }, "Back");
      return [h("p", {}, text), extra, place, h("footer", {}, leave, button)];
    }, signal);
    dialog.addEventListener("close", () => resolve(done));
  });
}
