// Both papers at once: what the page's colours are in its other theme.

// What read() returns while the page has that theme, "light" or "dark". Nothing is painted meanwhile.
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

// Colours as browsers compute them, rgb() or a mixture, as {colour: "#rrggbb", opacity}. A browser
// knows many ways to write a colour, and its canvas one way to paint it.
const known = new Map();

export function paintOf(text) {
  if (!known.has(text)) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    const context = canvas.getContext("2d");
    context.fillStyle = text;
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
    const colour = `#${[red, green, blue].map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
    known.set(text, { colour, opacity: Number((alpha / 255).toFixed(3)) });
  }
  return known.get(text);
}

// The style of an SVG file that has light colours and, as file.svg#dark, dark ones. pairs: light → dark;
// more: other rules.
export function darkStyle(svg, pairs, more = "") {
  const rules = [...pairs].flatMap(([light, dark]) =>
    ["fill", "stroke"]
      .filter((property) => light !== dark && svg.includes(`${property}="${light}"`))
      .map((property) => `#dark:target [${property}="${light}"]{${property}:${dark}}`),
  );
  return `<style>${more}${rules.join("")}</style>`;
}
