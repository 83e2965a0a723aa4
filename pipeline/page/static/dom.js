// Elements, built so that data can only become text, never markup.

const SVG = "http://www.w3.org/2000/svg";

/** Return an element. `attributes` are attributes and `on…` listeners; children are nodes or text. */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Return an SVG element, as `el` does. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** Return one of the page's icons. It is decoration: the text next to it says the same. */
export function icon(name, extra = "") {
  return svg("svg", { class: `icon ${extra}`, "aria-hidden": "true" }, svg("use", { href: `/static/icons.svg#${name}` }));
}

/** Replace an element's children. The focus stays on the one that says the same. */
export function replace(element, ...children) {
  const focused = document.activeElement;
  const key = focused !== element && element.contains(focused) ? keyOf(focused) : null;
  element.replaceChildren(...flat(children));
  if (key) [...element.querySelectorAll("button, summary, a")].find((one) => keyOf(one) === key)?.focus({ preventScroll: true });
}

function keyOf(element) {
  return `${element.tagName} ${element.getAttribute("aria-label") ?? element.textContent}`;
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...flat(children));
  return element;
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}
