// A loss of one weight, {bowl, waves: [[amplitude, frequency, phase], …]}: bowl·x² and a sum of
// sines, with its exact derivatives. Plain functions; no page in sight.

/**
 * @typedef {(amplitude: number, frequency: number, phase: number) => number} Term
 * @typedef {{ bowl: number, waves: [number, number, number][] }} Loss
 */

/** @type {(loss: Loss, term: Term) => number} */
const sum = ({ waves }, term) => waves.reduce((total, wave) => total + term(...wave), 0);

/** @type {(loss: Loss, x: number) => number} */
export function value(loss, x) {
  return loss.bowl * x * x + sum(loss, (a, f, p) => a * Math.sin(f * x + p));
}

/** @type {(loss: Loss, x: number) => number} */
export function slope(loss, x) {
  return 2 * loss.bowl * x + sum(loss, (a, f, p) => a * f * Math.cos(f * x + p));
}

/** @type {(loss: Loss, x: number) => number} */
export function curvature(loss, x) {
  return 2 * loss.bowl - sum(loss, (a, f, p) => a * f * f * Math.sin(f * x + p));
}

// The greatest magnitude of slope or curvature from `low` to `high`: L or β of the loss there.
/** @type {(derivative: typeof slope, loss: Loss, range: [number, number], places?: number) => number} */
export function greatest(derivative, loss, [low, high], places = 3001) {
  let most = 0;
  for (let index = 0; index < places; index += 1) {
    const x = low + ((high - low) * index) / (places - 1);
    most = Math.max(most, Math.abs(derivative(loss, x)));
  }
  return most;
}

// The parabola of this curvature that touches a curve of this slope at [x, y]: where it is least.
/** @type {(point: [number, number], incline: number, beta: number) => [number, number]} */
export function vertex([x, y], incline, beta) {
  return [x - incline / beta, y - incline ** 2 / (2 * beta)];
}
