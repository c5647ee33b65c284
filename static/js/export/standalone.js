// An SVG drawing of this page as a file that needs no page: what its style sheets say stands on its
// elements, in the colours of light paper, and of dark paper for whoever asks for file.svg#dark.
import { darkStyle, inTheme, paintOf } from "./themes.js";
import { escaped, FONT } from "./chart-svg.js";

/**
 * @typedef {import("./themes.js").Paint} Paint
 * @typedef {[name: string, value: string | number][]} Pairs
 * @typedef {object} Look
 * @property {boolean} painted
 * @property {Paint | null} fill
 * @property {Paint | null} stroke
 * @property {{ name: string, value: string }[]} properties
 * @property {string | null | undefined} name
 * @typedef {Map<Element, Look>} Looks
 * @typedef {{ svg: string, width: number, height: number }} Standalone
 */

const GEOMETRY = [
  ..."d x y dx dy x1 y1 x2 y2 cx cy r rx ry width height points transform viewBox".split(" "),
  ..."preserveAspectRatio text-anchor clip-path".split(" "),
  "id",
];
// Properties and the values that need not be written.
/** @type {Record<string, string>} */
const SHAPES = { "stroke-width": "1px", "stroke-dasharray": "none", "stroke-linecap": "butt", "stroke-linejoin": "miter", opacity: "1" };
/** @type {Record<string, string>} */
const LETTERS = { "font-size": "", "font-weight": "400", "stroke-width": "1px", opacity: "1" };
/** @type {Record<string, string>} */
const GROUPS = { opacity: "1" };
// Properties that no attribute has in SVG 1.1, by the class that has them in the file.
/** @type {Record<string, string>} */
const CLASSES = { even: "vector-effect:non-scaling-stroke", halo: "paint-order:stroke" };

// More than two digits after the point can't be seen, but for what a transform enlarges.
/** @type {(text: string) => string} */
const shortened = (text) => text.replace(/-?\d+\.\d{4,}/g, (number) => `${+Number(number).toFixed(3)}`);

// The file's text. description: what it says to who can't see it; width, height: of the file.
/** @type {(svg: SVGSVGElement, about: { description: string, style?: string }) => Standalone} */
export function standalone(svg, { description, style: more = "" }) {
  const { width, height } = svg.viewBox.baseVal;
  /** @type {Map<string, string>} */
  const colours = new Map(); // light → dark
  const looks = inTheme("light", () => looksOf(svg));
  const dark = inTheme("dark", () => looksOf(svg));
  for (const [element, { fill, stroke }] of looks) {
    remember(colours, fill, dark.get(element)?.fill);
    remember(colours, stroke, dark.get(element)?.stroke);
  }
  const content = [...svg.children].map((child) => written(child, looks)).join("");
  const size = { width: Math.round(width), height: Math.round(height) };
  const attributes = { ...size, role: "img", "aria-label": description, "font-family": FONT };
  const opened = `<svg xmlns="http://www.w3.org/2000/svg" id="dark" viewBox="0 0 ${shortened(`${width} ${height}`)}"`;
  const classes = Object.entries(CLASSES).filter(([name]) => content.includes(`class="${name}"`));
  const style = darkStyle(content, colours, more + classes.map(([name, rule]) => `.${name}{${rule}}`).join(""));
  return { svg: `${opened}${texts(attributes)}>${style}${content}</svg>`, ...size };
}

/** @type {(colours: Map<string, string>, light: Paint | null, dark: Paint | null | undefined) => void} */
function remember(colours, light, dark) {
  if (!light || !dark) return;
  if (colours.has(light.colour) && colours.get(light.colour) !== dark.colour) {
    throw new Error(`${light.colour} is two colours on dark paper`);
  }
  colours.set(light.colour, dark.colour);
}

// Each element that is drawn → {fill, stroke, properties}; fill and stroke as {colour, opacity}, or
// null where there is none.
/** @type {(svg: Element) => Looks} */
function looksOf(svg) {
  /** @type {Looks} */
  const looks = new Map();
  for (const element of svg.querySelectorAll("*")) {
    const style = getComputedStyle(element);
    if (style.display === "none" || style.visibility === "hidden") continue;
    const painted = element instanceof SVGGeometryElement || element instanceof SVGTextContentElement;
    const [fill, stroke] = ["fill", "stroke"].map((property) => (painted ? paintIn(style, property) : null));
    const properties = Object.entries(defaultsOf(element))
      .map(([name, usual]) => ({ name, usual, value: style.getPropertyValue(name) }))
      .filter(({ name, value, usual }) => value !== usual && (stroke || !name.startsWith("stroke-")));
    const name = stroke && Object.keys(CLASSES).find((each) => CLASSES[each] === ruleOf(style, CLASSES[each]));
    looks.set(element, { painted, fill, stroke, properties, name });
  }
  return looks;
}

// That rule as the element has it.
/** @type {(style: CSSStyleDeclaration, rule: string) => string} */
function ruleOf(style, rule) {
  const [property] = rule.split(":");
  return `${property}:${style.getPropertyValue(property)}`;
}

/** @type {(style: CSSStyleDeclaration, property: string) => Paint | null} */
function paintIn(style, property) {
  const text = style.getPropertyValue(property);
  if (text === "none") return null;
  const { colour, opacity } = paintOf(text);
  const whole = opacity * Number(style.getPropertyValue(`${property}-opacity`));
  return whole ? { colour, opacity: whole } : null;
}

/** @type {(element: Element) => Record<string, string>} */
function defaultsOf(element) {
  if (element instanceof SVGGeometryElement) return SHAPES;
  return element instanceof SVGTextContentElement ? LETTERS : GROUPS;
}

/** @type {(element: Element, looks: Looks) => string} */
function written(element, looks) {
  const look = looks.get(element);
  if (!look || (look.painted && !look.fill && !look.stroke)) return "";
  /** @type {Pairs} */
  const attributes = [
    ...geometryOf(element),
    ...(look.painted ? painting("fill", look.fill) : []),
    ...(look.stroke ? painting("stroke", look.stroke) : []),
    ...propertiesOf(look),
  ];
  const letters = element instanceof SVGTextContentElement;
  const content = [...element.childNodes].map((node) => {
    if (node instanceof Element) return written(node, looks);
    return letters ? escaped(node.nodeValue) : "";
  });
  return `<${element.tagName}${texts(Object.fromEntries(attributes))}>${content.join("")}</${element.tagName}>`;
}

/** @type {(element: Element) => Pairs} */
const geometryOf = (element) =>
  GEOMETRY.flatMap((name) => {
    const value = element.getAttribute(name);
    return value === null ? [] : [[name, shortened(value)]];
  });

/** @type {(look: Look) => Pairs} */
const propertiesOf = ({ properties, name }) => [
  .../** @type {Pairs} */ (properties.map(({ name: property, value }) => [property, value.replaceAll("px", "")])),
  .../** @type {Pairs} */ (name ? [["class", name]] : []),
];

/** @type {(attributes: Record<string, string | number>) => string} */
const texts = (attributes) =>
  Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${escaped(value)}"`)
    .join("");

/** @type {(property: string, paint: Paint | null) => Pairs} */
function painting(property, paint) {
  if (!paint) return [[property, "none"]];
  if (paint.opacity === 1) return [[property, paint.colour]];
  return [
    [property, paint.colour],
    [`${property}-opacity`, +paint.opacity.toFixed(3)],
  ];
}
