// A chart of Chart.js as SVG text: what it draws, by its own scales, and no page in sight. Sizes are
// in the drawing's pixels, {x, y, width, height} is a box.

/**
 * @typedef {import("../charts/axes.js").Chart} Chart
 * @typedef {{ x: number, y: number, width: number, height: number }} Box
 * @typedef {{ [name: string]: string | number | null | undefined }} Attributes
 * @typedef {{ x: number, y: number | null, value?: number | null }} DrawnPoint
 * @typedef {{ data: DrawnPoint[], [option: string]: any }} Dataset
 * @typedef {{ x: (value: number) => number, y: (value: number) => number }} Mapping
 * @typedef {[number, number]} Place
 * @typedef {(text: string) => string} Colour
 * @typedef {{ size: number, upright: boolean, ink: string, rule: string }} AxesStyle
 * @typedef {AxesStyle & { id: string, colour?: Colour }} PlotStyle
 * @typedef {object} Sheet
 * @property {number} width
 * @property {number} height
 * @property {number} size
 * @property {string} [title]
 * @property {string | null} description
 * @property {string} [paper]
 * @property {string} [id]
 * @property {string} [style]
 */

export const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Liberation Sans', sans-serif";
const BESIDE = 8; // between an axis and its numbers
const REACH = 6; // how far a line may leave its box, as in the chart
const TITLE_AWAY = 4.6; // of the vertical axis, in heights of its letters: there is room for 5·10⁻¹⁰

/** @type {Record<string, string>} */
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
/** @type {(text: unknown) => string} */
export const escaped = (text) => `${text}`.replace(/[&<>"]/g, (letter) => ENTITIES[letter]);

// Exact to a hundredth of a pixel.
/** @type {(length: number) => string} */
const fixed = (length) => `${+length.toFixed(2)}`;

// Attributes; those that are null are left out.
/** @type {(name: string, attributes: Attributes, content?: string) => string} */
function tag(name, attributes, content = "") {
  const given = Object.entries(attributes).filter(([, value]) => value !== null && value !== undefined);
  const text = given.map(([key, value]) => ` ${key}="${escaped(value)}"`).join("");
  return content === "" ? `<${name}${text}/>` : `<${name}${text}>${content}</${name}>`;
}

/** @type {(text: string, x: number, y: number, attributes?: Attributes) => string} */
export const label = (text, x, y, attributes = {}) => tag("text", { x: fixed(x), y: fixed(y), ...attributes }, escaped(text));

// "rgb(1 2 3 / 0.5)" in the words of SVG 1.1, which every drawing program reads.
/** @type {(name: string, colour: string) => Attributes} */
export function paint(name, colour) {
  const numbers = /^rgba?\((.*)\)$/
    .exec(colour)?.[1]
    .match(/[\d.]+/g)
    ?.map(Number);
  if (!numbers) return { [name]: colour };
  const [red, green, blue, alpha = 1] = numbers;
  const hex = [red, green, blue].map((channel) => Math.round(channel).toString(16).padStart(2, "0"));
  return { [name]: `#${hex.join("")}`, [`${name}-opacity`]: alpha === 1 ? null : alpha };
}

// The lines that text of one size fills, `width` wide at most; measure(text): its width. A word that
// is wider than a line is cut.
/** @type {(text: string, width: number, measure: (text: string) => number) => string[]} */
export function wrap(text, width, measure) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = lines.at(-1) ? `${lines.at(-1)} ${word}` : word;
    if (measure(longer) <= width) {
      lines[lines.length - 1] = longer;
      continue;
    }
    if (lines.at(-1)) lines.push("");
    for (const letter of word) {
      if (lines.at(-1) && measure(lines.at(-1) + letter) > width) lines.push("");
      lines[lines.length - 1] += letter;
    }
  }
  return lines;
}

// From a chart's pixels to those of a drawing whose plot fills `box`.
/** @type {(chart: Chart, box: Box) => Mapping} */
function mapping({ chartArea, scales }, box) {
  const { left, top, width, height } = chartArea;
  /** @type {(pixel: number) => number} */
  const x = (pixel) => box.x + ((pixel - left) / width) * box.width;
  /** @type {(pixel: number) => number} */
  const y = (pixel) => box.y + ((pixel - top) / height) * box.height;
  return {
    x: (value) => x(scales.x.getPixelForValue(value)),
    y: (value) => y(scales.y.getPixelForValue(value)),
  };
}

// The parts of a line between its gaps, as [[x, y], …].
/** @type {(points: DrawnPoint[], at: Mapping) => Place[][]} */
function partsOf(points, at) {
  /** @type {Place[]} */
  let part = [];
  const parts = [part];
  for (const { x, y } of points) {
    if (y !== null) part.push([at.x(x), at.y(y)]);
    else if (part.length) parts.push((part = []));
  }
  return parts.filter((part) => part.length);
}

/** @type {(part: Place[]) => string} */
const joined = (part) => part.map((place) => place.map(fixed).join(",")).join(" ");

/** @type {(dataset: Dataset, at: Mapping, colour: Colour) => string} */
function lineOf(dataset, at, colour) {
  if (!dataset.borderWidth) return "";
  const stroke = {
    fill: "none",
    ...paint("stroke", colour(dataset.borderColor)),
    "stroke-width": dataset.borderWidth,
    "stroke-dasharray": dataset.borderDash?.length ? dataset.borderDash.join(" ") : null,
    "stroke-linejoin": "round",
    "data-line": dataset.label ?? "",
  };
  const parts = partsOf(dataset.data, at).filter((part) => part.length > 1);
  return parts.map((part) => tag("polyline", { points: joined(part), ...stroke })).join("");
}

// The area between a line and the one before it, wherever both have a value.
/** @type {(dataset: Dataset, lower: Dataset, at: Mapping, colour: Colour) => string} */
function bandOf(dataset, lower, at, colour) {
  const below = new Map(lower.data.map(({ x, y }) => [x, y]));
  const both = dataset.data.map(({ x, y }) => ({ x, y: y === null ? null : (below.get(x) ?? null), top: y }));
  const edges = partsOf(both, at);
  const tops = partsOf(
    both.map(({ x, y, top }) => ({ x, y: y === null ? null : top })),
    at,
  );
  const fill = paint("fill", colour(dataset.backgroundColor));
  return edges
    .map((edge, index) => tag("polygon", { points: joined([...edge, ...tops[index].reverse()]), ...fill, "data-band": "" }))
    .join("");
}

// A cross or a triangle where the chart has one: read off the points that it drew.
/** @type {(dataset: Dataset, meta: any, at: Mapping, colour: Colour) => string} */
function marksOf(dataset, meta, at, colour) {
  const marks = dataset.data.map(({ x, y }, index) => {
    const options = meta.data[index]?.options;
    return y !== null && options?.radius > 0 ? markOf(at.x(x), at.y(y), options, colour(dataset.borderColor)) : "";
  });
  return marks.join("");
}

/** @type {(x: number, y: number, options: { pointStyle: string, radius: number, rotation: number }, colour: string) => string} */
function markOf(x, y, { pointStyle, radius, rotation }, colour) {
  if (pointStyle === "crossRot") {
    const half = radius * Math.SQRT1_2;
    /** @type {(side: number) => string} */
    const diagonal = (side) => `M${fixed(x - half)} ${fixed(y - side * half)}L${fixed(x + half)} ${fixed(y + side * half)}`;
    return tag("path", {
      d: diagonal(1) + diagonal(-1),
      fill: "none",
      ...paint("stroke", colour),
      "stroke-width": 2,
      "data-mark": "cross",
    });
  }
  if (pointStyle === "triangle") {
    /** @type {(turn: number) => Place} */
    const corner = (turn) => {
      const angle = ((turn + rotation - 90) * Math.PI) / 180;
      return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
    };
    return tag("polygon", { points: joined([0, 120, 240].map(corner)), ...paint("fill", colour), "data-mark": "triangle" });
  }
  return tag("circle", { cx: fixed(x), cy: fixed(y), r: radius, ...paint("fill", colour) });
}

// A chart without a title of its own: on paper, and standing still.
export const SHEET = { width: 528, height: 363 };
export const PLOT = { x: 58, y: 10, width: 450, height: 290 };

/** @type {Colour} */
const unchanged = (text) => text;

// Everything inside the axes and the axes themselves. `size`: of the text; `upright`: whether the
// vertical axis has its title; `id`: a name for the clipping path; colour(text): the colour to draw one in.
/** @type {(chart: Chart, box: Box, style: PlotStyle) => string} */
export function plotOf(chart, box, { size, upright, id, ink, rule, colour = unchanged }) {
  const at = mapping(chart, box);
  const { datasets } = chart.data;
  /** @type {any[]} */
  const metas = chart.getSortedVisibleDatasetMetas().reverse(); // the first lies on top
  const shapes = metas.map((meta) => {
    const dataset = datasets[meta.index];
    const band = dataset.fill === "-1" ? bandOf(dataset, datasets[meta.index - 1], at, colour) : "";
    return band + lineOf(dataset, at, colour) + marksOf(dataset, meta, at, colour);
  });
  const clip = { x: box.x - REACH, y: box.y - REACH, width: box.width + 2 * REACH, height: box.height + 2 * REACH };
  return [
    axesOf(chart, box, at, { size, upright, ink, rule }),
    tag("clipPath", { id }, tag("rect", clip)),
    tag("g", { "clip-path": `url(#${id})`, "data-lines": "" }, shapes.join("")),
  ].join("");
}

/** @type {(chart: Chart, box: Box, at: Mapping, style: AxesStyle) => string} */
function axesOf({ scales }, box, at, { size, upright, ink, rule }) {
  const bottom = box.y + box.height;
  const soft = paint("fill", ink);
  const thin = { ...paint("stroke", rule), "stroke-width": 1 };
  /** @type {{ value: number, label: string }[][]} */
  const [rowTicks, columnTicks] = [scales.y.ticks, scales.x.ticks];
  const rows = rowTicks.map(({ value, label: text }) => {
    const y = at.y(value);
    const line = tag("line", { x1: fixed(box.x), x2: fixed(box.x + box.width), y1: fixed(y), y2: fixed(y), ...thin });
    return line + label(text, box.x - BESIDE, y + size / 3, { "text-anchor": "end", ...soft });
  });
  const columns = columnTicks.map(({ value, label: text }) =>
    label(text ?? "", at.x(value), bottom + BESIDE + size, { "text-anchor": "middle", ...soft }),
  );
  const axis = tag("line", { x1: fixed(box.x), x2: fixed(box.x + box.width), y1: fixed(bottom), y2: fixed(bottom), ...thin });
  const [x, y] = [box.x + box.width / 2, bottom + 2 * BESIDE + 2.2 * size];
  const below = label(scales.x.options.title.text, x, y, { "text-anchor": "middle", ...soft });
  const axes = [...rows, axis, ...columns, below].join("");
  if (!upright) return axes;
  const middle = box.y + box.height / 2;
  const turned = { transform: `translate(${fixed(box.x - TITLE_AWAY * size)} ${fixed(middle)}) rotate(-90)` };
  return axes + tag("text", { ...turned, "text-anchor": "middle", ...soft }, escaped(scales.y.options.title.text));
}

// The lines to hold others against, under the names that the chart's readout has.
/** @type {(datasets: Dataset[]) => Dataset[]} */
export const levels = (datasets) => datasets.filter(({ level }) => level).map((dataset) => ({ ...dataset, label: dataset.level }));

// The lines that have a name of their own, as the legend shows them.
/** @type {(datasets: Dataset[]) => Dataset[]} */
export const named = (datasets) => datasets.filter(({ label, band, edge, level }) => label && !band && !edge && !level);

// id and style, of the file as a whole, are optional.
/** @type {(sheet: Sheet, content: string) => string} */
export function drawing({ width, height, size, title, description, paper, id, style = "" }, content) {
  const about = title ? tag("title", { id: "title" }, escaped(title)) + tag("desc", { id: "desc" }, escaped(description)) : "";
  const background = paper ? tag("rect", { width, height, ...paint("fill", paper) }) : "";
  return tag(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      id,
      viewBox: `0 0 ${width} ${height}`,
      ...(title || id ? { width, height } : {}),
      ...(title ? { "aria-labelledby": "title desc" } : { "aria-label": description }),
      role: "img",
      "font-family": FONT,
      "font-size": size,
    },
    about + style + background + content,
  );
}
