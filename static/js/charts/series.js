// What a chart was told: metric and arm → seed → x → value. No page in sight.
import { quantile } from "../maths/statistics.js";

const BAND = [0.1, 0.9];

// Where each of a row's values belongs, from `low` to `high`, both included.
export function places({ low, high, values }) {
  return values.map((_, index) => low + ((high - low) * index) / (values.length - 1));
}

export class Series {
  #lines = new Map();

  clear() {
    this.#lines.clear();
  }

  // Values at further places of a line; a place that it has already gets the new value.
  add(metric, arm, seed, xs, values) {
    const seeds = this.#seeds(metric, arm);
    if (!seeds.has(seed)) seeds.set(seed, new Map());
    xs.forEach((x, index) => seeds.get(seed).set(x, values[index]));
  }

  has(metric, arm, seed) {
    return this.#seeds(metric, arm).has(seed);
  }

  // More than one seed, so that there is a spread to show.
  several(metric, arm) {
    return this.#seeds(metric, arm).size > 1;
  }

  // Each seed's own line, as points {x, value} in their order.
  singles(metric, arm) {
    return [...this.#seeds(metric, arm).values()].map((line) => [...line].sort(([a], [b]) => a - b).map(([x, value]) => ({ x, value })));
  }

  middle(metric, arm) {
    return this.#quantiles(metric, arm, 0.5);
  }

  // The lower and the upper edge of what lies between the 10th and the 90th percentile.
  spread(metric, arm) {
    return BAND.map((q) => this.#quantiles(metric, arm, q));
  }

  #seeds(metric, arm) {
    const name = `${metric} ${arm}`;
    if (!this.#lines.has(name)) this.#lines.set(name, new Map());
    return this.#lines.get(name);
  }

  // Points {x, value}; null where no seed has a finite value.
  #quantiles(metric, arm, q) {
    const together = new Map();
    for (const line of this.#seeds(metric, arm).values()) {
      for (const [x, value] of line) {
        if (!together.has(x)) together.set(x, []);
        if (value !== null) together.get(x).push(value);
      }
    }
    return [...together].sort(([a], [b]) => a - b).map(([x, finite]) => ({ x, value: finite.length ? quantile(finite, q) : null }));
  }
}
