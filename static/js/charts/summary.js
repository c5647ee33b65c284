// A chart in words, for who can't see it. app/web/summary.py says the same of the same lines.
import { numeral, percent } from "../text/numbers.js";
import { words } from "../text/words.js";

const DIGITS = 3;

// title, unit, share: of the values; xTitle: of the places; names: [[place, name], …] of those that
// have one. lines: [{label, points: [{x, value}]}] in the order of x, null where a value was not
// finite. levels: [{label, value, until}], lines to hold the others against.
export function summary({ title, unit, share, xTitle, names = [], lines, levels = [] }) {
  const number = share ? (value) => percent(100 * value, 1) : (value) => numeral(value, DIGITS);
  const known = new Map(names);
  const place = (x) => known.get(x) ?? numeral(x, 4);
  const told = lines.filter(({ points }) => points.length);
  return [
    words.summary.about({ title, unit, axis: xTitle, empty: !told.length }),
    ...told.map(({ label, points }) => words.summary.line({ label, course: course(points, number, place) })),
    ...levels.map(({ label, value, until }) => level(label, number(value), until ?? null, number)),
  ].join(" ");
}

function course(points, number, place) {
  const finite = points.filter(({ value }) => Number.isFinite(value));
  const broken = gaps(points, place);
  if (!finite.length) return broken;
  const at = ({ x, value }) => ({ value: number(value), place: place(x) });
  const [first, last] = [finite[0], finite.at(-1)];
  const values = finite.map(({ value }) => value);
  const roles = new Map(finite.map((point) => [point, []]));
  roles.get(first).push(words.summary.first);
  roles.get(finite[values.indexOf(Math.min(...values))]).push(words.summary.least);
  roles.get(finite[values.indexOf(Math.max(...values))]).push(words.summary.greatest);
  roles.get(last).push(words.summary.last);
  const parts = [...roles].filter(([, which]) => which.length);
  const told =
    new Set(values.map(number)).size > 1
      ? parts.map(([point, which]) => words.summary.point({ which, ...at(point) }))
      : [first === last ? words.summary.at(at(first)) : words.summary.constant({ ...at(first), until: place(last.x) })];
  return [...told, ...(broken ? [broken] : [])].join(", ");
}

// Where values were not finite.
function gaps(points, place) {
  const broken = points.filter(({ value }) => !Number.isFinite(value));
  if (!broken.length) return "";
  const begin = points.indexOf(broken[0]);
  if (points.length - begin === broken.length) return words.summary.notFiniteFrom({ place: place(broken[0].x) });
  return words.summary.notFiniteAt({ count: broken.length, all: points.length });
}

function level(label, value, until, number) {
  if (until === null) return words.summary.level({ label, value });
  return words.summary.slope({ label, value, until: number(until) });
}
