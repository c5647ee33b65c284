// What one chart was told of one run, as lines of points {x, value}. No page in sight.
import { places, Series } from "./series.js";

/**
 * @typedef {import("./series.js").Point} Point
 * @typedef {import("../figure/run-events.js").Row} Row
 */

export class Told {
  /** @type {number | null} */
  high = null; // where the rows of a profile end
  /** @type {string[]} */
  #metrics;
  #series = new Series();
  /** @type {Map<string, number>} */
  #ends = new Map(); // training → its last x
  /** @type {Map<string, Row[]>} */
  #rows = new Map(); // training → its rows, in the order of their steps
  /** @type {number | null} */
  #step = null; // whose rows are shown; null: the newest

  // metrics: one, or the two that bound a band.
  /** @param {string[]} metrics */
  constructor(metrics) {
    this.#metrics = metrics;
  }

  /** @type {(event: import("../figure/run-events.js").DrawnEvent) => void} */
  append({ event, data }) {
    const { arm, seed } = data;
    for (const metric of this.#metrics) {
      if (event === "points" && metric in data.values) {
        this.#series.add(metric, arm, seed, data.step, data.values[metric]);
        this.#ends.set(`${metric} ${arm} ${seed}`, data.step[data.step.length - 1]);
      } else if (event === "row" && metric === data.metric) {
        this.#addRow(data);
      } else if (event === "arm" && data.state === "diverged") {
        const end = this.#ends.get(`${metric} ${arm} ${seed}`);
        if (end !== undefined) this.#series.add(metric, arm, seed, [end + 1], [null]);
      }
    }
  }

  // One row of a training stands for it; its first one stays, as where it began.
  /** @type {(row: Row) => void} */
  #addRow(row) {
    const { metric, arm, seed } = row;
    const training = `${arm} ${seed}`;
    const rows = this.#rows.get(training) ?? [];
    this.#rows.set(training, rows);
    if (!rows.length) this.#series.add(`first ${metric}`, arm, seed, places(row), row.values);
    rows.push(row);
    this.#show(rows);
    this.high = row.high;
  }

  // From now on, the rows of that step or the newest before it.
  /** @type {(step: number | null) => void} */
  choose(step) {
    if (step === this.#step) return;
    this.#step = step;
    for (const rows of this.#rows.values()) this.#show(rows);
  }

  /** @type {(rows: Row[]) => void} */
  #show(rows) {
    const row = this.#chosen(rows);
    this.#series.add(row.metric, row.arm, row.seed, places(row), row.values);
  }

  /** @type {(rows: Row[]) => Row} */
  #chosen(rows) {
    return rows.findLast(({ step }) => this.#step === null || step <= this.#step) ?? rows[0];
  }

  // A profile shows other rows than its first ones.
  /** @type {boolean} */
  get moved() {
    return [...this.#rows.values()].some((rows) => this.#chosen(rows) !== rows[0]);
  }

  // The step of the rows that are shown; null where they are of several.
  /** @type {number | null} */
  get step() {
    const steps = new Set([...this.#rows.values()].map((rows) => this.#chosen(rows).step));
    return steps.size === 1 ? [...steps][0] : null;
  }

  // The last step that any training was told of.
  /** @type {number} */
  get end() {
    return Math.max(0, ...this.#ends.values());
  }

  // A line for each metric: the median over the seeds.
  /** @type {(arm: string) => Point[][]} */
  middles(arm) {
    return this.#metrics.map((metric) => this.#series.middle(metric, arm));
  }

  /** @type {(arm: string) => Point[]} */
  start(arm) {
    return this.#series.middle(`first ${this.#metrics[0]}`, arm);
  }

  /** @type {(arm: string) => boolean} */
  several(arm) {
    return this.#series.several(this.#metrics[0], arm);
  }

  /** @type {(arm: string) => Point[][]} */
  singles(arm) {
    return this.#series.singles(this.#metrics[0], arm);
  }

  /** @type {(arm: string) => Point[][]} */
  spread(arm) {
    return this.#series.spread(this.#metrics[0], arm);
  }
}

// The index of the point that lies nearest to that place; null where the line doesn't come as near
// as its points lie apart: it hasn't got there yet, or has ended before.
/** @type {(points: { x: number }[], x: number) => number | null} */
export function nearest(points, x) {
  if (!points.length) return null;
  /** @type {(index: number) => number} */
  const distance = (index) => Math.abs(points[index].x - x);
  const after = points.findIndex((point) => point.x >= x);
  const right = after === -1 ? points.length - 1 : after;
  const index = right > 0 && distance(right - 1) <= distance(right) ? right - 1 : right;
  const neighbour = points[index + 1] ?? points[index - 1] ?? points[index];
  return distance(index) <= Math.abs(neighbour.x - points[index].x) ? index : null;
}
