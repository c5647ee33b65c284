// A chart in words, for who can't see it. app/web/summary.py says the same of the same lines.
import { numeral } from "./axes.js";

const DIGITS = 3;

// title, unit, share: of the values; xTitle: of the places; names: [[place, name], …] of those that
// have one. lines: [{label, points: [{x, value}]}] in the order of x, null where a value was not
// finite. levels: [{label, value, until}], lines to hold the others against.
export function summary({ title, unit, share, xTitle, names = [], lines, levels = [] }) {
  const number = share ? inPercent : (value) => numeral(value, DIGITS);
  const known = new Map(names);
  const place = (x) => known.get(x) ?? numeral(x, 4);
  const told = lines.filter(({ points }) => points.length);
  return [
    `${title}${unit ? ` (${unit})` : ""} over the ${xTitle}${told.length ? "" : ": nothing measured yet"}.`,
    ...told.map(({ label, points }) => `${label}: ${course(points, number, place)}.`),
    ...levels.map(({ label, value, until }) => `Dotted line, ${label}: ${ends(value, until, number)}.`),
  ].join(" ");
}

function course(points, number, place) {
  const finite = points.filter(({ value }) => Number.isFinite(value));
  const broken = gaps(points, place);
  if (!finite.length) return broken;
  const at = ({ x, value }) => `${number(value)} at ${place(x)}`;
  const [first, last] = [finite[0], finite.at(-1)];
  const values = finite.map(({ value }) => value);
  const roles = new Map(finite.map((point) => [point, []]));
  roles.get(first).push("first");
  roles.get(finite[values.indexOf(Math.min(...values))]).push("least");
  roles.get(finite[values.indexOf(Math.max(...values))]).push("greatest");
  roles.get(last).push("last");
  const parts = [...roles].filter(([, names]) => names.length);
  const words =
    new Set(values.map(number)).size === 1
      ? [`${number(first.value)} ${first === last ? `at ${place(first.x)}` : `from ${place(first.x)} to ${place(last.x)}`}`]
      : parts.map(([point, names]) => `${names.join(" and ")} ${at(point)}`);
  return [...words, ...(broken ? [broken] : [])].join(", ");
}

// Where values were not finite.
function gaps(points, place) {
  const broken = points.filter(({ value }) => !Number.isFinite(value));
  if (!broken.length) return "";
  const begin = points.indexOf(broken[0]);
  if (points.length - begin === broken.length) return `not finite from ${place(broken[0].x)} on`;
  return `not finite at ${broken.length} of ${points.length} places`;
}

function ends(value, until, number) {
  const to = until === null || until === undefined ? "" : ` to ${number(until)}`;
  return `${to ? "from " : ""}${number(value)}${to}`;
}

function inPercent(value) {
  const text = (100 * value).toFixed(1);
  return `${(Number(text) === 0 ? "0.0" : text).replace("-", "−")}%`;
}
