// Both papers at once: what the page's colours are in its other theme.

// What read() returns while the page has that theme, "light" or "dark". Nothing is painted meanwhile.
/** @type {<T>(theme: "light" | "dark", read: () => T) => T} */
export function inTheme(theme, read) {
  const { dataset } = document.documentElement;
  const before = dataset.theme;
  dataset.theme = theme;
  try {
    return read();
  } finally {
    if (before === undefined) delete dataset.theme;
    else dataset.theme = before;
  }
}

/** @typedef {{ colour: string, opacity: number }} Paint */

// Colours as browsers compute them, rgb() or a mixture, as {colour: "#rrggbb", opacity}. A browser
// knows many ways to write a colour, and its canvas one way to paint it.
/** @type {Map<string, Paint>} */
const known = new Map();

/** @type {(text: string) => Paint} */
export function paintOf(text) {
  const paint = known.get(text) ?? painted(text);
  known.set(text, paint);
  return paint;
}

/** @type {(text: string) => Paint} */
function painted(text) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = text;
  context.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
  const colour = `#${[red, green, blue].map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
  return { colour, opacity: Number((alpha / 255).toFixed(3)) };
}

// The style of an SVG file that has light colours and, as file.svg#dark, dark ones. pairs: light → dark;
// more: other rules.
/** @type {(svg: string, pairs: Map<string, string>, more?: string) => string} */
export function darkStyle(svg, pairs, more = "") {
  const rules = [...pairs].flatMap(([light, dark]) =>
    ["fill", "stroke"]
      .filter((property) => light !== dark && svg.includes(`${property}="${light}"`))
      .map((property) => `#dark:target [${property}="${light}"]{${property}:${dark}}`),
  );
  return `<style>${more}${rules.join("")}</style>`;
}
