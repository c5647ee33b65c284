/** @typedef {Record<string, string | number>} Attributes */

// An SVG element with its attributes, appended to `parent`.
/** @type {(parent: Element, name: string, attributes?: Attributes) => SVGElement} */
export function draw(parent, name, attributes = {}) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  set(element, attributes);
  parent.append(element);
  return element;
}

/** @type {(element: Element, attributes: Attributes) => void} */
export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, `${value}`);
}
