// What one chart was told of one run, as lines of points {x, value}. No page in sight.
import { places, Series } from "./series.js";

export class Told {
  high = null; // where the rows of a profile end
  #metrics;
  #series = new Series();
  #ends = new Map(); // training → its last x
  #rows = new Map(); // training → its rows, in the order of their steps
  #step = null; // whose rows are shown; null: the newest

  // metrics: one, or the two that bound a band.
  constructor(metrics) {
    this.#metrics = metrics;
  }

  append({ event, data }) {
    const { arm, seed } = data;
    for (const metric of this.#metrics) {
      if (event === "points" && metric in data.values) {
        this.#series.add(metric, arm, seed, data.step, data.values[metric]);
        this.#ends.set(`${metric} ${arm} ${seed}`, data.step.at(-1));
      } else if (event === "row" && metric === data.metric) {
        this.#addRow(data);
      } else if (event === "arm" && data.state === "diverged") {
        const end = this.#ends.get(`${metric} ${arm} ${seed}`);
        if (end !== undefined) this.#series.add(metric, arm, seed, [end + 1], [null]);
      }
    }
  }

  // One row of a training stands for it; its first one stays, as where it began.
  #addRow(row) {
    const { metric, arm, seed } = row;
    const training = `${arm} ${seed}`;
    if (!this.#rows.has(training)) {
      this.#rows.set(training, []);
      this.#series.add(`first ${metric}`, arm, seed, places(row), row.values);
    }
    this.#rows.get(training).push(row);
    this.#show(this.#rows.get(training));
    this.high = row.high;
  }

  // From now on, the rows of that step or the newest before it.
  choose(step) {
    if (step === this.#step) return;
    this.#step = step;
    for (const rows of this.#rows.values()) this.#show(rows);
  }

  #show(rows) {
    const row = this.#chosen(rows);
    this.#series.add(row.metric, row.arm, row.seed, places(row), row.values);
  }

  #chosen(rows) {
    return rows.findLast(({ step }) => this.#step === null || step <= this.#step) ?? rows[0];
  }

  // A profile shows other rows than its first ones.
  get moved() {
    return [...this.#rows.values()].some((rows) => this.#chosen(rows) !== rows[0]);
  }

  // The step of the rows that are shown; null where they are of several.
  get step() {
    const steps = new Set([...this.#rows.values()].map((rows) => this.#chosen(rows).step));
    return steps.size === 1 ? [...steps][0] : null;
  }

  // The last step that any training was told of.
  get end() {
    return Math.max(0, ...this.#ends.values());
  }

  // A line for each metric: the median over the seeds.
  middles(arm) {
    return this.#metrics.map((metric) => this.#series.middle(metric, arm));
  }

  start(arm) {
    return this.#series.middle(`first ${this.#metrics[0]}`, arm);
  }

  several(arm) {
    return this.#series.several(this.#metrics[0], arm);
  }

  singles(arm) {
    return this.#series.singles(this.#metrics[0], arm);
  }

  spread(arm) {
    return this.#series.spread(this.#metrics[0], arm);
  }
}

// The index of the point that lies nearest to that place; null where the line doesn't come as near
// as its points lie apart: it hasn't got there yet, or has ended before.
export function nearest(points, x) {
  if (!points.length) return null;
  const distance = (index) => Math.abs(points[index].x - x);
  const after = points.findIndex((point) => point.x >= x);
  const right = after === -1 ? points.length - 1 : after;
  const index = right > 0 && distance(right - 1) <= distance(right) ? right - 1 : right;
  const neighbour = points[index + 1] ?? points[index - 1] ?? points[index];
  return distance(index) <= Math.abs(neighbour.x - points[index].x) ? index : null;
}
