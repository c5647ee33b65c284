// The data that the widgets show, drawn from a seed; no page in sight.
import { gaussians, mean, normalise, uniforms } from "../maths/statistics.js";

const POINTS = 100;
// Far from the origin, yet all inside the drawing, which reaches to [-4, 12] × [-4, 9].
/** @type {[number, number][]} */
const BOUNDS = [
  [0.2, 11.6],
  [-0.6, 8.6],
];

/** @type {(range: [number, number], value: number) => boolean} */
const within = ([low, high], value) => value >= low && value <= high;

// A tilted, stretched cloud: [all x₁, all x₂].
/** @type {(seed: number) => [number[], number[]]} */
export function cloud(seed) {
  const uniform = uniforms(seed);
  const gaussian = gaussians(uniform);
  /** @type {(low: number, high: number) => number} */
  const between = (low, high) => low + (high - low) * uniform();
  const middle = [between(6, 7), between(3.5, 4.8)];
  const length = between(1.9, 2.3);
  const width = between(0.4, 0.6);
  const angle = between(0.2, 0.5) * (uniform() < 0.75 ? 1 : -1);
  /** @type {[number[], number[]]} */
  const values = [[], []];
  while (values[0].length < POINTS) {
    const [along, across] = [length * gaussian(), width * gaussian()];
    const x = middle[0] + along * Math.cos(angle) - across * Math.sin(angle);
    const y = middle[1] + along * Math.sin(angle) + across * Math.cos(angle);
    if (!within(BOUNDS[0], x) || !within(BOUNDS[1], y)) continue;
    values[0].push(x);
    values[1].push(y);
  }
  return values;
}

// `count` inputs of one unit, N(4, 2²). A longer batch of the same seed begins with the shorter.
/** @type {(seed: number, count: number) => number[]} */
export function inputs(seed, count) {
  const gaussian = gaussians(uniforms(seed));
  return Array.from({ length: count }, () => 4 + 2 * gaussian());
}

// Two inputs, `count` examples: each of mean 0 and deviation 1, and correlated as asked, exactly so
// in the sample. The same seed and another correlation is the same cloud, sheared.
/** @type {(seed: number, count: number, correlation: number) => [number[], number[]]} */
export function pair(seed, count, correlation) {
  const gaussian = gaussians(uniforms(seed));
  const values = () => normalise(Array.from({ length: count }, gaussian), 0);
  const first = values();
  const second = values();
  const shared = mean(first.map((value, index) => value * second[index]));
  const apart = normalise(
    second.map((value, index) => value - shared * first[index]),
    0,
  );
  const own = Math.sqrt(1 - correlation ** 2);
  return [first, apart.map((value, index) => correlation * first[index] + own * value)];
}
