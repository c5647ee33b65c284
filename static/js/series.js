// What a chart was told: metric → arm → x → values, one a seed. No page in sight.
import { quantile } from "./statistics.js";

const BAND = [0.1, 0.9];

// Where each of a row's values belongs, from `low` to `high`, both included.
export function places({ low, high, values }) {
  return values.map((_, index) => low + ((high - low) * index) / (values.length - 1));
}

export class Series {
  #values = new Map();

  clear() {
    this.#values.clear();
  }

  add(metric, arm, xs, values) {
    const name = `${metric} ${arm}`;
    const line = this.#values.get(name) ?? new Map();
    this.#values.set(name, line);
    xs.forEach((x, index) => {
      if (!line.has(x)) line.set(x, []);
      line.get(x).push(values[index]);
    });
  }

  // More than one seed, so that there is a spread to show.
  several(metric, arm) {
    return this.#sorted(metric, arm).some(([, values]) => values.length > 1);
  }

  middle(metric, arm) {
    return this.#quantiles(metric, arm, 0.5);
  }

  // The lower and the upper edge of what lies between the 10th and the 90th percentile.
  spread(metric, arm) {
    return BAND.map((q) => this.#quantiles(metric, arm, q));
  }

  // Points {x, value}; null where no seed has a finite value.
  #quantiles(metric, arm, q) {
    return this.#sorted(metric, arm).map(([x, values]) => {
      const finite = values.filter((value) => value !== null);
      return { x, value: finite.length ? quantile(finite, q) : null };
    });
  }

  #sorted(metric, arm) {
    return [...(this.#values.get(`${metric} ${arm}`) ?? [])].sort(([a], [b]) => a - b);
  }
}
