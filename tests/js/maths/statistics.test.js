// The functions of statistics.js, against values that were calculated by hand.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  affine,
  centre,
  gaussians,
  mean,
  movingAverages,
  normalise,
  quantile,
  unbiasedVariance,
  uncentred,
  uniforms,
  unnormalised,
  variance,
} from "../../../static/js/maths/statistics.js";
import { assertClose } from "../close.js";

test("statistics are what a hand calculates", () => {
  assertClose(mean([1, 2, 6]), 3);
  assertClose(variance([1, 2, 6]), 14 / 3);
  assertClose(variance([5]), 0);
  assertClose(unbiasedVariance([1, 2, 6]), 7);
  assertClose(centre([1, 2, 6]), [-2, -1, 3]);
  assertClose(normalise([1, 3], 3), [-0.5, 0.5]);
  assertClose(normalise([4, 4], 1e-5), [0, 0]);
  assertClose(affine([1, -2], 3, 10), [13, 4]);
  assertClose(movingAverages([10, 0], 0.1, 0), [1, 0.9]);
  assertClose(uncentred(2, [1, 3]), 5);
  assertClose(quantile([4, 1, 3, 2], 0.5), 2.5);
});

test("unnormalised is what normalise takes back", () => {
  const others = [1, 2, 6, 3, 0];
  for (const target of [-1.9, 0, 0.3, 2]) {
    const value = unnormalised(target, others, 0.01);
    assertClose(normalise([value, ...others], 0.01)[0], target);
  }
  // No value lies further than √(m − 1) standard deviations from the mean of m.
  assert.equal(unnormalised(Math.sqrt(5) + 0.01, others, 0.01), Infinity);
});

test("random numbers repeat and are spread as they should", () => {
  const draw = (next) => Array.from({ length: 4000 }, () => next());
  const uniform = draw(uniforms(7));
  assert.deepEqual(uniform, draw(uniforms(7)));
  assert.notDeepEqual(uniform, draw(uniforms(8)));
  assert.deepEqual(uniform.slice(0, 3), mulberry32(7n, 3));
  assert.ok(uniform.every((value) => 0 <= value && value < 1));
  const gaussian = draw(gaussians(uniforms(7)));
  assertClose(mean(gaussian), 0, { within: 0.05 });
  assertClose(variance(gaussian), 1, { within: 0.07 });
  assertClose(gaussian.filter((value) => Math.abs(value) < 1).length / 4000, 0.683, { within: 0.03 });
});

// The generator's definition once more, in integers without bounds.
function mulberry32(seed, count) {
  const word = 2n ** 32n;
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5n) % word;
    let mixed = ((state ^ (state >> 15n)) * (state | 1n)) % word;
    mixed ^= (mixed + (mixed ^ (mixed >> 7n)) * (mixed | 61n)) % word;
    return Number(mixed ^ (mixed >> 14n)) / Number(word);
  });
}
