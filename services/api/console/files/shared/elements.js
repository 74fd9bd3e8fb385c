/** Makes elements. Whatever comes from outside is only ever put in as text, never parsed as HTML. */

/**
 * What an element can hold: null, undefined and false stand for nothing, and a list for its items.
 * @typedef {Node | string | number | boolean | null | undefined | ChildList} Child
 * @typedef {Child[]} ChildList
 */

/**
 * Attributes of an element: `on...` are listeners, true and false switch an attribute, null and undefined leave it out.
 * @typedef {{
 *   onclick?: (event: MouseEvent) => unknown,
 *   onkeydown?: (event: KeyboardEvent) => unknown,
 *   onchange?: (event: Event) => unknown,
 *   oninput?: (event: Event) => unknown,
 *   [name: string]: string | number | boolean | null | undefined | ((event: never) => unknown),
 * }} Attributes
 */

/**
 * Makes an element.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    } else {
      setAttribute(element, name, value);
    }
  }
  return setChildren(element, ...children);
}

/**
 * @param {HTMLElement} element
 * @param {string} name
 * @param {string | number | boolean | null | undefined} value
 */
function setAttribute(element, name, value) {
  if (name === "value" || name === "checked") {
    // The attributes of these names are only the initial state.
    Object.assign(element, { [name]: value });
  } else if (typeof value === "boolean") {
    element.toggleAttribute(name, value);
  } else if (value !== null && value !== undefined) {
    element.setAttribute(name, String(value));
  }
}

/**
 * Replaces what an element holds, and returns the element.
 * @template {Element} Held
 * @param {Held} element
 * @param {...Child} children
 */
export function setChildren(element, ...children) {
  element.replaceChildren(...flatten(children));
  return element;
}

/**
 * @param {Child[]} children
 * @returns {Array<Node | string>}
 */
function flatten(children) {
  return children.flatMap((child) => {
    if (Array.isArray(child)) {
      return flatten(child);
    }
    if (child === null || child === undefined || typeof child === "boolean") {
      return [];
    }
    return [child instanceof Node ? child : String(child)];
  });
}

/**
 * Sets a text only where it differs, so that nothing is announced twice and no selection is lost.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

/**
 * Returns the element of the page that has this id.
 * @param {string} id
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) {
    throw new Error(`index.html has no element with the id ${id}.`);
  }
  return found;
}

let lastId = 0;

/**
 * Returns an id that no other element has.
 * @param {string} prefix
 */
export function uniqueId(prefix) {
  lastId += 1;
  return `${prefix}-${lastId}`;
}

/**
 * Makes a button that submits nothing.
 * @param {string} text
 * @param {((event: MouseEvent) => unknown) | null} onclick
 * @param {Attributes} [attributes]
 */
export function button(text, onclick, attributes = {}) {
  return h("button", { type: "button", ...attributes, onclick: onclick ?? undefined }, text);
}

/**
 * A column's head: a text, or a text and a class.
 * @typedef {string | [text: string, kind: string]} Head
 */

/**
 * Makes a table that scrolls sideways where it is too wide, also with the keyboard.
 * @param {string} label
 * @param {Head[]} heads
 * @param {HTMLTableRowElement[] | HTMLTableSectionElement} rows
 */
export function table(label, heads, rows) {
  const columns = heads.map((head) => (typeof head === "string" ? [head, null] : head));
  return h("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": label },
    h("table", {},
      h("thead", {}, h("tr", {}, columns.map(([text, kind]) => h("th", { scope: "col", class: kind }, text)))),
      Array.isArray(rows) ? h("tbody", {}, rows) : rows));
}

/**
 * Makes a cell whose content is aligned like a number.
 * @param {Child} content
 */
export function numberCell(content) {
  return h("td", { class: "number" }, content);
}

/**
 * Makes a list of names and values.
 * @param {Array<[name: string, value: Child]>} entries
 */
export function definitions(entries) {
  return entries.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)));
}

/**
 * Makes a section with a title.
 * @param {string} title
 * @param {...Child} children
 */
export function section(title, ...children) {
  // Without a label of its own it is no landmark: the tables inside are, and have the same names.
  return h("section", {}, h("h2", {}, title), children);
}
