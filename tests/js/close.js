// Numbers that are equal but for their last digits, as pytest.approx has them.
import assert from "node:assert/strict";

// Numbers, or lists and objects of them.
export function assertClose(actual, expected, { within = 1e-6 * Math.abs(expected) + 1e-12 } = {}) {
  if (typeof expected === "number") {
    const equal = actual === expected || Math.abs(actual - expected) <= within;
    assert.ok(equal, `${actual} is not close to ${expected}`);
    return;
  }
  assert.deepEqual(Object.keys(actual), Object.keys(expected));
  for (const key of Object.keys(expected)) assertClose(actual[key], expected[key]);
}
