/** Builds elements. Whatever comes from outside is only ever put in as text, never read as HTML. */

/**
 * Make an element: `on...` are listeners, true and false switch an attribute, null leaves it out.
 * @param {string} tag
 * @param {Record<string, unknown>} [attributes]
 * @param {...unknown} children Nodes and texts, as fill takes them.
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    give(element, name, value);
  }
  return fill(element, ...children);
}

function give(element, name, value) {
  if (typeof value === "function") {
    element.addEventListener(name.slice(2), value);
  } else if (name === "value" || name === "checked") {
    element[name] = value;
  } else if (typeof value === "boolean") {
    element.toggleAttribute(name, value);
  } else if (value !== null && value !== undefined) {
    element.setAttribute(name, String(value));
  }
}

/** Replace what an element holds. null and false stand for nothing, and lists for what is in them. */
export function fill(element, ...children) {
  const given = children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
  element.replaceChildren(...given.map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

/** Show a text only where it differs, so that nothing is announced and no selection is lost for the same. */
export function say(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

let made = 0;

/** An id that no other element has. */
export function freshId(prefix) {
  made += 1;
  return `${prefix}-${made}`;
}

/** A table that scrolls sideways by itself where it is too wide, also with the keyboard. */
export function table(label, heads, rows) {
  return h("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": label },
    h("table", {},
      h("thead", {}, h("tr", {}, heads.map(head))),
      h("tbody", {}, rows)));
}

/** A column's head: a text, or [text, class]. */
function head(given) {
  const [text, kind] = Array.isArray(given) ? given : [given, null];
  return h("th", { scope: "col", class: kind }, text);
}

export function number(text) {
  return h("td", { class: "number" }, text);
}

export function section(title, ...children) {
  const id = freshId("section");
  return h("section", { "aria-labelledby": id }, h("h2", { id }, title), children);
}
