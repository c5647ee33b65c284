// A chart as a picture that stands alone, on a slide or in a paper: title, legend, plot, and below it
// where it comes from. Returns SVG text.
import { drawing, label, levels, named, paint, plotOf, wrap } from "./chart-svg.js";

/**
 * @typedef {{ title: string, description: string, note: string, source: string[] }} Told
 * @typedef {{ paper: string, ink: string, soft: string, rule: string }} Colours
 * @typedef {(text: string, size: number, weight?: number | null) => number} Measure
 * @typedef {import("./chart-svg.js").Dataset} Dataset
 */

const WIDTH = 720;
const MARGIN = 24;
const SIZE = 13;
const TITLE = 19;
const SOURCE = 11;
const SWATCH = 34;
const BETWEEN = 22; // two entries of the legend
const PLOT = { x: 90, width: WIDTH - 90 - MARGIN, height: 360 };
const BELOW_PLOT = 68; // numbers and title of the axis

// what: {title, description, note, source: [sentence, …]}; colours: {paper, ink, soft, rule};
// measure(text, size, weight): its width.
/** @type {(chart: import("./chart-svg.js").Chart, what: Told, colours: Colours, measure: Measure) => string} */
export function picture(chart, what, colours, measure) {
  const room = WIDTH - 2 * MARGIN;
  /** @type {string[]} */
  const rows = [];
  let y = MARGIN;
  /** @type {(text: string, size: number, weight: number | null, colour: string) => void} */
  const write = (text, size, weight, colour) => {
    for (const line of wrap(text, room, (part) => measure(part, size, weight))) {
      y += Math.round(1.35 * size);
      rows.push(label(line, MARGIN, y, { "font-size": size, "font-weight": weight, ...paint("fill", colour) }));
    }
  };
  write(what.title, TITLE, 600, colours.ink);
  y += 8;
  const legend = legendOf([...named(chart.data.datasets), ...levels(chart.data.datasets)], y, colours.ink, measure);
  rows.push(legend.drawn);
  y = legend.bottom;
  if (what.note) write(what.note, SOURCE + 1, null, colours.soft);
  const box = { ...PLOT, y: y + 18 };
  rows.push(plotOf(chart, box, { size: SIZE, upright: true, id: "plot", ink: colours.soft, rule: colours.rule }));
  y = box.y + box.height + BELOW_PLOT;
  for (const sentence of what.source) write(sentence, SOURCE, null, colours.soft);
  const { title, description } = what;
  const sheet = { width: WIDTH, height: y + MARGIN, size: SIZE, title, description, paper: colours.paper };
  return drawing(sheet, rows.join(""));
}

/** @type {(lines: Dataset[], top: number, ink: string, measure: Measure) => { drawn: string, bottom: number }} */
function legendOf(lines, top, ink, measure) {
  let x = MARGIN;
  let y = top + 14;
  const entries = lines.map(({ label: text, borderColor, borderWidth, borderDash }) => {
    const width = SWATCH + 8 + measure(text, SIZE);
    if (x > MARGIN && x + width > WIDTH - MARGIN) {
      x = MARGIN;
      y += 20;
    }
    const key = swatch(x, y - SIZE / 3, { borderColor, borderWidth, borderDash });
    const entry = key + label(text, x + SWATCH + 8, y, paint("fill", ink));
    x += width + BETWEEN;
    return entry;
  });
  return { drawn: `<g data-legend="">${entries.join("")}</g>`, bottom: y + 4 };
}

/** @type {(x: number, y: number, line: { borderColor: string, borderWidth: number, borderDash?: number[] }) => string} */
function swatch(x, y, { borderColor, borderWidth, borderDash }) {
  const stroke = Object.entries(paint("stroke", borderColor)).filter(([, value]) => value !== null);
  const dash = borderDash?.length ? ` stroke-dasharray="${borderDash.join(" ")}"` : "";
  const colour = stroke.map(([name, value]) => `${name}="${value}"`).join(" ");
  return `<line x1="${x}" x2="${x + SWATCH}" y1="${y}" y2="${y}" ${colour} stroke-width="${borderWidth}"${dash}/>`;
}
