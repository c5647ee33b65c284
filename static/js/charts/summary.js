// A chart in words, for who can't see it. app/web/summary.py says the same of the same lines.
import { numeral, percent } from "../text/numbers.js";
import { words } from "../text/words.js";

/**
 * @typedef {import("./series.js").Point} Point
 * @typedef {(value: number) => string} Write
 * @typedef {{ label: string, points: Point[] }} Line
 * @typedef {{ label: string, value: number, until?: number | null }} Level
 * @typedef {object} Chart
 * @property {string} title
 * @property {string} unit
 * @property {boolean} share
 * @property {string} xTitle
 * @property {[number, string][]} [names]
 * @property {Line[]} lines
 * @property {Level[]} [levels]
 */

const DIGITS = 3;

// title, unit, share: of the values; xTitle: of the places; names: [[place, name], …] of those that
// have one. lines: [{label, points: [{x, value}]}] in the order of x, null where a value was not
// finite. levels: [{label, value, until}], lines to hold the others against.
/** @type {(chart: Chart) => string} */
export function summary({ title, unit, share, xTitle, names = [], lines, levels = [] }) {
  /** @type {Write} */
  const number = share ? (value) => percent(100 * value, 1) : (value) => numeral(value, DIGITS);
  const known = new Map(names);
  /** @type {Write} */
  const place = (x) => known.get(x) ?? numeral(x, 4);
  const told = lines.filter(({ points }) => points.length);
  return [
    words.summary.about({ title, unit, axis: xTitle, empty: !told.length }),
    ...told.map(({ label, points }) => words.summary.line({ label, course: course(points, number, place) })),
    ...levels.map(({ label, value, until }) => level(label, number(value), until ?? null, number)),
  ].join(" ");
}

/** @type {(points: Point[], number: Write, place: Write) => string} */
function course(points, number, place) {
  const finite = points.filter(isFinitePoint);
  const broken = gaps(points, place);
  if (!finite.length) return broken;
  /** @type {(point: { x: number, value: number }) => { value: string, place: string }} */
  const at = ({ x, value }) => ({ value: number(value), place: place(x) });
  const [first, last] = [finite[0], finite[finite.length - 1]];
  const values = finite.map(({ value }) => value);
  const roles = [
    { name: words.summary.first, point: first },
    { name: words.summary.least, point: finite[values.indexOf(Math.min(...values))] },
    { name: words.summary.greatest, point: finite[values.indexOf(Math.max(...values))] },
    { name: words.summary.last, point: last },
  ];
  const parts = finite
    .map((point) => ({ point, which: roles.filter((role) => role.point === point).map(({ name }) => name) }))
    .filter(({ which }) => which.length);
  const told =
    new Set(values.map(number)).size > 1
      ? parts.map(({ point, which }) => words.summary.point({ which, ...at(point) }))
      : [first === last ? words.summary.at(at(first)) : words.summary.constant({ ...at(first), until: place(last.x) })];
  return [...told, ...(broken ? [broken] : [])].join(", ");
}

/**
 * @param {Point} point
 * @returns {point is { x: number, value: number }}
 */
const isFinitePoint = (point) => Number.isFinite(point.value);

// Where values were not finite.
/** @type {(points: Point[], place: Write) => string} */
function gaps(points, place) {
  const broken = points.filter(({ value }) => !Number.isFinite(value));
  if (!broken.length) return "";
  const begin = points.indexOf(broken[0]);
  if (points.length - begin === broken.length) return words.summary.notFiniteFrom({ place: place(broken[0].x) });
  return words.summary.notFiniteAt({ count: broken.length, all: points.length });
}

/** @type {(label: string, value: string, until: number | null, number: Write) => string} */
function level(label, value, until, number) {
  if (until === null) return words.summary.level({ label, value });
  return words.summary.slope({ label, value, until: number(until) });
}
