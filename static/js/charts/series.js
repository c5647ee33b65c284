// What a chart was told: metric and arm → seed → x → value. No page in sight.
import { quantile } from "../maths/statistics.js";

/**
 * @typedef {{ x: number, value: number | null }} Point
 * @typedef {Map<number, number | null>} Line
 */

const BAND = [0.1, 0.9];

// Where each of a row's values belongs, from `low` to `high`, both included.
/** @type {(row: { low: number, high: number, values: readonly unknown[] }) => number[]} */
export function places({ low, high, values }) {
  return values.map((_, index) => low + ((high - low) * index) / (values.length - 1));
}

export class Series {
  /** @type {Map<string, Map<number, Line>>} */
  #lines = new Map();

  /** @type {() => void} */
  clear() {
    this.#lines.clear();
  }

  // Values at further places of a line; a place that it has already gets the new value.
  /** @type {(metric: string, arm: string, seed: number, xs: number[], values: (number | null)[]) => void} */
  add(metric, arm, seed, xs, values) {
    const seeds = this.#seeds(metric, arm);
    const line = seeds.get(seed) ?? new Map();
    seeds.set(seed, line);
    xs.forEach((x, index) => line.set(x, values[index]));
  }

  /** @type {(metric: string, arm: string, seed: number) => boolean} */
  has(metric, arm, seed) {
    return this.#seeds(metric, arm).has(seed);
  }

  // More than one seed, so that there is a spread to show.
  /** @type {(metric: string, arm: string) => boolean} */
  several(metric, arm) {
    return this.#seeds(metric, arm).size > 1;
  }

  // Each seed's own line, as points {x, value} in their order.
  /** @type {(metric: string, arm: string) => Point[][]} */
  singles(metric, arm) {
    return [...this.#seeds(metric, arm).values()].map((line) => [...line].sort(([a], [b]) => a - b).map(([x, value]) => ({ x, value })));
  }

  /** @type {(metric: string, arm: string) => Point[]} */
  middle(metric, arm) {
    return this.#quantiles(metric, arm, 0.5);
  }

  // The lower and the upper edge of what lies between the 10th and the 90th percentile.
  /** @type {(metric: string, arm: string) => Point[][]} */
  spread(metric, arm) {
    return BAND.map((q) => this.#quantiles(metric, arm, q));
  }

  /** @type {(metric: string, arm: string) => Map<number, Line>} */
  #seeds(metric, arm) {
    const name = `${metric} ${arm}`;
    const seeds = this.#lines.get(name) ?? new Map();
    this.#lines.set(name, seeds);
    return seeds;
  }

  // Points {x, value}; null where no seed has a finite value.
  /** @type {(metric: string, arm: string, q: number) => Point[]} */
  #quantiles(metric, arm, q) {
    /** @type {Map<number, number[]>} */
    const together = new Map();
    for (const line of this.#seeds(metric, arm).values()) {
      for (const [x, value] of line) {
        const values = together.get(x) ?? [];
        together.set(x, values);
        if (value !== null) values.push(value);
      }
    }
    return [...together].sort(([a], [b]) => a - b).map(([x, finite]) => ({ x, value: finite.length ? quantile(finite, q) : null }));
  }
}
