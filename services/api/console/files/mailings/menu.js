/** A button that opens a menu over the page, so that no table clips it. Escape and a click elsewhere close it. */

import { button, h } from "../shared/elements.js";

/** @typedef {{text: string, perform: () => unknown, danger?: boolean}} Entry */

/**
 * Makes the button. The entries are made when it opens.
 * @param {string} label What the button is for, such as the actions of a mailing.
 * @param {() => Entry[]} entries
 */
export function menuButton(label, entries) {
  const opener = button("⋯", () => open(opener, entries()), {
    class: "menu-opener", "aria-label": label, title: label, "aria-haspopup": "menu",
  });
  return opener;
}

/**
 * @param {HTMLElement} opener
 * @param {Entry[]} entries
 */
function open(opener, entries) {
  const menu = h("div", { class: "menu", role: "menu", popover: "auto" }, entries.map(({ text, perform, danger }) => (
    button(text, () => {
      menu.hidePopover();
      perform();
    }, { role: "menuitem", class: danger ? "danger" : null }))));
  menu.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState === "closed") {
      menu.remove();
    }
  });
  menu.addEventListener("keydown", (event) => move(menu, event));
  document.body.append(menu);
  menu.showPopover();
  place(menu, opener);
  /** @type {HTMLElement | null} */ (menu.firstElementChild)?.focus();
}

/**
 * Puts the menu below its button, or above where there is no room.
 * @param {HTMLElement} menu
 * @param {HTMLElement} opener
 */
function place(menu, opener) {
  const at = opener.getBoundingClientRect();
  const { offsetHeight: height, offsetWidth: width } = menu;
  const top = at.bottom + height > window.innerHeight ? Math.max(at.top - height, 0) : at.bottom;
  menu.style.top = `${top}px`;
  menu.style.left = `${Math.max(at.right - width, 4)}px`;
}

/**
 * @param {HTMLElement} menu
 * @param {KeyboardEvent} event
 */
function move(menu, event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step !== undefined) {
    event.preventDefault();
    const items = /** @type {HTMLElement[]} */ ([...menu.children]);
    const now = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    items[(now + step + items.length) % items.length]?.focus();
  }
}
