// Plain functions on numbers; no page in sight.

// The q-quantile (0…1) of numbers in any order, by linear interpolation (type 7, NumPy's default).
/** @type {(values: number[], q: number) => number} */
export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  const position = (sorted.length - 1) * q;
  const below = Math.floor(position);
  const above = Math.ceil(position);
  return sorted[below] + (sorted[above] - sorted[below]) * (position - below);
}

/** @type {(values: number[]) => number} */
export function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

// The mean squared distance from the mean: divided by m, as in BatchNorm's own normalisation.
/** @type {(values: number[]) => number} */
export function variance(values) {
  const middle = mean(values);
  return mean(values.map((value) => (value - middle) ** 2));
}

// Divided by m − 1, as in BatchNorm's running average. NaN for a single value.
/** @type {(values: number[]) => number} */
export function unbiasedVariance(values) {
  return (variance(values) * values.length) / (values.length - 1);
}

/** @type {(values: number[]) => number[]} */
export function centre(values) {
  const middle = mean(values);
  return values.map((value) => value - middle);
}

// x̂ = (x − μ) / √(σ² + ε)
/** @type {(values: number[], epsilon: number) => number[]} */
export function normalise(values, epsilon) {
  const deviation = Math.sqrt(variance(values) + epsilon);
  return centre(values).map((value) => value / deviation);
}

// y = γx + β
/** @type {(values: number[], gamma: number, beta: number) => number[]} */
export function affine(values, gamma, beta) {
  return values.map((value) => gamma * value + beta);
}

// The value that, put beside `others`, comes out of `centre` as `target`.
/** @type {(target: number, others: number[]) => number} */
export function uncentred(target, others) {
  const count = others.length + 1;
  return mean(others) + (target * count) / (count - 1);
}

// The value that, put beside `others`, comes out of `normalise` as `target`. It moves the mean
// and the variance itself, so that no value comes out beyond ±√(m − 1): infinite for such a target.
/** @type {(target: number, others: number[], epsilon: number) => number} */
export function unnormalised(target, others, epsilon) {
  const count = others.length + 1;
  const share = (count - 1) / count;
  const room = share * share - (target * target * share) / count;
  if (room <= 0) return Math.sign(target) * Infinity;
  const spread = share * variance(others) + epsilon;
  return mean(others) + Math.sign(target) * Math.sqrt((target * target * spread) / room);
}

// The exponential moving average after each value: average ← (1 − rate)·average + rate·value.
/** @type {(values: number[], rate: number, start: number) => number[]} */
export function movingAverages(values, rate, start) {
  let average = start;
  return values.map((value) => (average = (1 - rate) * average + rate * value));
}

// Numbers in [0, 1), the same for the same seed (a 32-bit integer): mulberry32 by T. Ettinger.
/** @type {(seed: number) => () => number} */
export function uniforms(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// Numbers from N(0, 1) out of uniform ones (Box and Muller). 1 − u, since u may be 0.
/** @type {(uniform: () => number) => () => number} */
export function gaussians(uniform) {
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}
