// The lines of a chart, as Chart.js takes them and as a picture of the chart writes them.
import { within } from "./axes.js";
import { marked, strokeOf, withAlpha } from "./line-style.js";
import { words } from "../text/words.js";

/**
 * @typedef {import("./axes.js").Range} Range
 * @typedef {import("./chart-model.js").Told} Told
 * @typedef {import("./line-style.js").DrawnPoint} DrawnPoint
 * @typedef {import("./series.js").Point} Point
 * @typedef {import("./summary.js").Level} Level
 * @typedef {import("../figure/selection.js").Look} Look
 * @typedef {import("../figure/views.js").Key} Key
 * @typedef {{ told: Told, range: Range, look: Look, singles: boolean }} Shown
 * @typedef {{ [option: string]: unknown }} Dataset
 */

const START = { borderWidth: 1.25, borderDash: [2, 3] };
// Lines that step back, for those that a reader looks at.
export const FAINT = 0.18;
const PINNED = 0.5;

// Whether another arm or another run is looked at.
/** @type {(look: Look, arm: string, run?: string | null) => boolean} */
export function stepsBack(look, arm, run = null) {
  return (look.arm.value !== null && look.arm.value !== arm) || (look.run.value !== null && look.run.value !== run);
}

/** @type {(points: Point[], range: Range) => DrawnPoint[]} */
const drawn = (points, range) => points.map(({ x, value }) => ({ x, y: within(value, range), value }));

// Of one arm: its median, or the two edges of its band, and what several seeds show besides.
// chart: {told, range, look, singles}; key: {label, line}. Returns {middles, datasets}.
/** @type {(arm: string, key: Key, chart: Shown) => { middles: DrawnPoint[][], datasets: Dataset[] }} */
export function curvesOf(arm, key, { told, range, look, singles }) {
  const { colour: full, dash } = strokeOf(key.line);
  const back = stepsBack(look, arm);
  const colour = back ? withAlpha(full, FAINT) : full;
  const line = { borderColor: colour, backgroundColor: colour, borderWidth: 2, borderDash: dash };
  const area = { backgroundColor: withAlpha(full, back ? FAINT / 4 : 0.16), fill: "-1" };
  const middles = told.middles(arm).map((points) => drawn(points, range));
  if (middles.length === 2) {
    const edge = { ...line, borderWidth: 1.5 };
    const lower = { ...edge, label: key.label, ...marked(middles[0]), upper: middles[1] };
    const upper = { ...edge, ...area, label: words.charts.upperEdge(key), ...marked(middles[1]), edge: true };
    return { middles, datasets: [lower, upper] };
  }
  const middle = { ...line, label: key.label, ...marked(middles[0]) };
  if (!told.several(arm)) return { middles, datasets: [middle] };
  if (singles) {
    const thin = { ...line, borderColor: withAlpha(full, back ? FAINT : 0.55), borderWidth: 1, band: true };
    return { middles, datasets: [middle, ...told.singles(arm).map((points) => ({ ...thin, ...marked(drawn(points, range)) }))] };
  }
  const [low, high] = told.spread(arm).map((points) => drawn(points, range));
  const band = { borderWidth: 0, pointRadius: 0, band: true };
  return { middles, datasets: [middle, { ...band, data: low }, { ...band, ...area, data: high }] };
}

// Where an arm's profile began.
/** @type {(arm: string, key: Key, chart: Shown) => Dataset} */
export function startOf(arm, key, { told, range, look }) {
  const { colour } = strokeOf(key.line);
  const borderColor = stepsBack(look, arm) ? withAlpha(colour, FAINT) : colour;
  return { data: drawn(told.start(arm), range), borderColor, ...START, pointRadius: 0, band: true };
}

// An arm of a pinned run, {id, told}: thin, behind, in the arm's own colour and dash.
/** @type {(arm: string, key: Key, pin: { id: string, told: Told }, chart: Shown) => Dataset[]} */
export function pinnedOf(arm, key, { id, told }, { range, look }) {
  const { colour, dash } = strokeOf(key.line);
  const chosen = look.run.value === id;
  const alpha = stepsBack(look, arm, id) ? FAINT : chosen ? 1 : PINNED;
  const line = { borderColor: withAlpha(colour, alpha), borderWidth: chosen ? 2 : 1.25, borderDash: dash, band: true };
  return told.middles(arm).map((points) => ({ ...line, ...marked(drawn(points, range)), pin: id }));
}

// A level: horizontal, or straight from `value` at the left edge to `until` at the right one.
/** @type {(level: Level, across: [number, number], borderColor: string, range: Range) => Dataset} */
export function levelOf({ value, until, label }, [min, max], borderColor, range) {
  const ends = [
    { x: min, value },
    { x: max, value: until ?? value },
  ];
  return { data: drawn(ends, range), borderColor, borderWidth: 1, borderDash: [2, 3], pointRadius: 0, band: true, level: label };
}
