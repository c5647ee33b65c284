// A linear unit's error over its two weights, a bowl: ½ dᵀHd, where d is the way from the weights
// of least error. Plain functions; no page in sight. H, symmetric, is written [a, b, c]: a and c on
// its diagonal, b beside it.

/**
 * @typedef {[number, number, number]} Symmetric
 * @typedef {[number, number]} Vector
 */

// Of the mean over all points of (w₁x₁ + w₂x₂ − target)²: twice the mean of x xᵀ, whatever the
// targets are.
/** @type {(x1: number[], x2: number[]) => Symmetric} */
export function hessian(x1, x2) {
  /** @type {(u: number[], v: number[]) => number} */
  const moment = (u, v) => (2 * u.reduce((sum, value, index) => sum + value * v[index], 0)) / u.length;
  return [moment(x1, x1), moment(x1, x2), moment(x2, x2)];
}

// The eigenvalues, the larger first, and the angle of its eigenvector to the first axis, in radians.
/** @type {(matrix: Symmetric) => { values: [number, number], angle: number }} */
export function eigen([a, b, c]) {
  const middle = (a + c) / 2;
  const radius = Math.hypot((a - c) / 2, b);
  return { values: [middle + radius, middle - radius], angle: Math.atan2(2 * b, a - c) / 2 };
}

/** @type {(matrix: Symmetric) => number} */
export function condition(matrix) {
  const [largest, smallest] = eigen(matrix).values;
  return largest / smallest;
}

// The constant learning rate with which gradient descent needs the fewest steps at worst. From the
// double of 1/λmax on it moves away.
/** @type {(matrix: Symmetric) => number} */
export function bestRate([a, , c]) {
  return 2 / (a + c); // λmin + λmax
}

/** @type {(matrix: Symmetric, way: Vector) => number} */
export function error([a, b, c], [x, y]) {
  return (a * x * x + 2 * b * x * y + c * y * y) / 2;
}

// Half the axes of the ellipse on which the error is `level`: along the first eigenvector, across.
/** @type {(matrix: Symmetric, level: number) => number[]} */
export function halfAxes(matrix, level) {
  return eigen(matrix).values.map((value) => Math.sqrt((2 * level) / value));
}

// Gradient descent from `start` until `share` of the first error is left. It gives up after `cap`
// steps, or where the error is FLED times the first; below the double of 1/λmax it never grows.
const FLED = 20;

/**
 * @typedef {{ share: number, cap: number }} Limits
 * @typedef {{ path: Vector[], arrived: boolean }} Descent
 */

/** @type {(matrix: Symmetric, start: Vector, rate: number, limits: Limits) => Descent} */
export function descend(matrix, start, rate, { share, cap }) {
  const [a, b, c] = matrix;
  const first = error(matrix, start);
  const path = [start];
  let place = start;
  let left = first;
  while (left > share * first && left < FLED * first && path.length <= cap) {
    const [x, y] = place;
    place = [x - rate * (a * x + b * y), y - rate * (b * x + c * y)];
    path.push(place);
    left = error(matrix, place);
  }
  return { path, arrived: left <= share * first };
}
