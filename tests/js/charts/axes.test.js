// The axes of charts, and the numbers that stand there.
import assert from "node:assert/strict";
import { test } from "node:test";
import { logTicks } from "../../../static/js/charts/axes.js";
import { numeral } from "../../../static/js/text/numbers.js";

// low, high, texts
const TICKS = [
  [0.2, 3, ["0.2", "0.5", "1", "2"]],
  [1e-3, 1, ["0.001", "0.01", "0.1", "1"]],
  [5e3, 2e5, ["5,000", "10⁴", "2·10⁴", "5·10⁴", "10⁵", "2·10⁵"]],
  [1e5, 1e8, ["10⁵", "10⁶", "10⁷", "10⁸"]],
  [1e-6, 1, ["10⁻⁶", "10⁻⁵", "10⁻⁴", "0.001", "0.01", "0.1", "1"]],
  [1e3, 1e15, ["10⁴", "10⁶", "10⁸", "10¹⁰", "10¹²", "10¹⁴"]],
  [1e-15, 1e15, ["10⁻¹²", "10⁻⁸", "10⁻⁴", "1", "10⁴", "10⁸", "10¹²"]],
];

for (const [low, high, expected] of TICKS) {
  test(`ticks stay few and short over any number of decades: ${low} to ${high}`, () => {
    assert.deepEqual(
      logTicks(low, high).map((tick) => numeral(tick)),
      expected,
    );
  });
}
