// The data that the widgets show.
import assert from "node:assert/strict";
import { test } from "node:test";
import { cloud, pair } from "../../../static/js/widgets/samples.js";
import { assertClose } from "../close.js";

test("a pair of inputs has exactly the moments that were asked for", () => {
  const meanOf = (values) => values.reduce((sum, value) => sum + value, 0) / 60;
  for (const correlation of [-0.95, 0, 0.6]) {
    const [first, second] = pair(70, 60, correlation);
    for (const values of [first, second]) {
      assert.equal(values.length, 60);
      assertClose(meanOf(values), 0, { within: 1e-12 });
      assertClose(meanOf(values.map((value) => value ** 2)), 1);
    }
    assertClose(meanOf(first.map((value, index) => value * second[index])), correlation, { within: 1e-12 });
  }
});

test("every seed keeps its points inside the axes", () => {
  const isInside = (values, low, high) => Math.min(...values) > low && Math.max(...values) < high;
  for (let seed = 0; seed < 500; seed += 1) {
    const [x, y] = cloud(seed);
    assert.equal(x.length, 100);
    assert.ok(isInside(x, -4, 12) && isInside(y, -4, 9), `seed ${seed}`);
  }
});
