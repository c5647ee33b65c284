// The functions of quadratic.js, against values known beforehand.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bestRate, condition, descend, eigen, error, halfAxes, hessian } from "../../../static/js/maths/quadratic.js";
import { assertClose } from "../close.js";

test("what is known of a quadratic", () => {
  assertClose(hessian([1, 3], [2, 0]), [10, 2, 4]);
  assertClose(eigen([2, 1, 2]), { values: [3, 1], angle: Math.PI / 4 });
  assertClose(eigen([2, -1, 2]), { values: [3, 1], angle: -Math.PI / 4 });
  assertClose(eigen([1, 0, 4]), { values: [4, 1], angle: Math.PI / 2 });
  assertClose(condition([2, 1, 2]), 3);
  assertClose(condition([5, 0, 5]), 1);
  assertClose(bestRate([2, 1, 2]), 0.5);
  assertClose(error([2, 1, 4], [1, -1]), 2);
  assertClose(halfAxes([1, 0, 4], 2), [1, 2]);
});

test("a descent ends where its share of the error is left, or at its cap", () => {
  const limits = { share: 0.1, cap: 9 };
  // λ = 3 and 1, the best rate 1/2: half of the way is left after every step.
  const best = descend([3, 0, 1], [1, 1], 0.5, limits);
  assertClose(best.path, [
    [1, 1],
    [-0.5, 0.5],
    [0.25, 0.25],
  ]);
  assert.ok(best.arrived);
  const slow = descend([3, 0, 1], [1, 1], 0.01, limits);
  assert.equal(slow.path.length, 10);
  assert.ok(!slow.arrived);
});

test("below twice the inverse of the greatest curvature a descent stays", () => {
  const from = (share) => descend([3, 0, 1], [1, 0], (share * 2) / 3, { share: 0.01, cap: 2000 });
  assert.ok(from(0.99).arrived);
  const fled = from(1.01);
  assert.ok(!fled.arrived);
  assert.ok(fled.path.length < 2000);
  const lengths = fled.path.map(([x]) => Math.abs(x));
  assert.deepEqual(
    lengths,
    lengths.toSorted((a, b) => a - b),
  );
});
