// The axes of a chart, and what leaves them.
import { numeral, percent } from "../text/numbers.js";

/**
 * @typedef {any} Chart
 * @typedef {any} Scale
 * @typedef {{ log: boolean, low: number, high: number }} Range
 * @typedef {{ low: number, high: number | null, ticks: [number, string][] }} Place
 * @typedef {{ family: string, size: number }} Font
 */

// How far a logarithmic axis may grow beyond what it shows at least: one training that blows up
// would else press all others flat. What lies further out is drawn at its edge, with a mark.
const ROOM = 10;
const MOST_TICKS = 8;
// Pixels for the numbers of a vertical axis, up to 5·10⁻¹⁰: the same in all charts, so that those of
// one row line up.
const AXIS_WIDTH = 58;

// The value as it can be drawn on that axis, {log, low, high}: null stays null.
/** @type {(value: number | null, axis: Range) => number | null} */
export function within(value, { log, low, high }) {
  if (value === null || !log) return value;
  return Math.min(Math.max(value, low / ROOM), high * ROOM);
}

// Round levels for a logarithmic axis: 0.2, 0.5, 1, 2, 5 and so on; powers of ten where those
// would be too many; every second power, every third and so on where those would be.
/** @type {(low: number, high: number) => number[]} */
export function logTicks(low, high) {
  const fine = levels(low, high, [1, 2, 5], 1);
  if (fine.length <= MOST_TICKS) return fine;
  for (let stride = 1; ; stride += 1) {
    const ticks = levels(low, high, [1], stride);
    if (ticks.length <= MOST_TICKS) return ticks;
  }
}

/** @type {(low: number, high: number, mantissas: number[], stride: number) => number[]} */
function levels(low, high, mantissas, stride) {
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
    if (power % stride !== 0) continue;
    for (const mantissa of mantissas) ticks.push(Number(`${mantissa}e${power}`));
  }
  return ticks.filter((tick) => tick >= low && tick <= high);
}

// The name of a place on an axis, if it has one: not all that have are labelled.
/** @type {(axis: { names: [number, string][] }, x: number) => string | undefined} */
export const nameOf = ({ names }, x) => names.find(([at]) => at === x)?.[1];

// `place`: {low, high, ticks} of an axis that is not one of steps; `high` is null where its rows
// decide; ticks: [[place, name], …] or none.
/** @type {(axis: { title: string, place: Place | null, font: Font }) => object} */
export function xAxis({ title, place, font }) {
  const axis = {
    type: "linear",
    title: { display: true, text: title, font },
    ticks: { font, maxRotation: 0, maxTicksLimit: 6 },
    grid: { display: false },
    border: {},
  };
  if (!place) return { ...axis, min: 0 };
  const bounded = { ...axis, min: place.low, max: place.high ?? undefined };
  return place.ticks.length ? named(bounded, new Map(place.ticks)) : bounded;
}

/** @type {(axis: { ticks: object }, names: Map<number, string>) => object} */
function named(axis, names) {
  /** @type {(value: number) => string | undefined} */
  const callback = (value) => names.get(value);
  /** @type {(scale: Scale) => void} */
  const afterBuildTicks = (scale) => (scale.ticks = [...names.keys()].map((value) => ({ value })));
  return { ...axis, ticks: { ...axis.ticks, autoSkip: false, callback }, afterBuildTicks };
}

/** @type {(axis: { title: string, range: Range, share: boolean, font: Font }) => object} */
export function yAxis({ title, range, share, font }) {
  /** @type {(value: number) => string} */
  const write = share ? (value) => percent(100 * value) : (value) => numeral(value);
  const ticks = {
    font,
    maxTicksLimit: MOST_TICKS,
    callback: write,
  };
  /** @type {(scale: Scale) => void} */
  const inRound = (scale) => {
    scale.ticks = logTicks(scale.min, scale.max).map((value) => ({ value }));
  };
  /** @type {(scale: Scale) => void} */
  const widen = (scale) => (scale.width = Math.max(scale.width, AXIS_WIDTH));
  return {
    type: range.log ? "logarithmic" : "linear",
    suggestedMin: range.low,
    suggestedMax: range.high,
    ...(range.log ? { afterBuildTicks: inRound } : {}),
    afterFit: widen,
    title: { display: false, text: title }, // it stands above the chart
    ticks,
    grid: {},
    border: { display: false },
  };
}
