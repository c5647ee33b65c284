// What a chart was told, and where it is read.
import assert from "node:assert/strict";
import { test } from "node:test";
import { nearest, Told } from "../../../static/js/charts/chart-model.js";

test("the nearest point is read and none beyond the end", () => {
  const points = [{ x: 0 }, { x: 2 }, { x: 4 }];
  for (const [x, index] of [
    [0, 0],
    [1, 0],
    [1.5, 1],
    [4, 2],
    [5.9, 2],
    [6, 2],
    [6.1, null],
    [20, null],
  ]) {
    assert.equal(nearest(points, x), index, `at ${x}`);
  }
});

test("of a profile the rows of a step can be chosen", () => {
  const told = new Told(["p"]);
  for (const [step, value] of [
    [0, 1],
    [10, 2],
    [20, 3],
  ]) {
    const data = { metric: "p", arm: "a", seed: 1, low: 0, high: 1, step, values: [value, value] };
    told.append({ event: "row", data });
  }
  const seen = () => [told.step, told.moved, told.middles("a")[0][0].value];
  assert.deepEqual(seen(), [20, true, 3]);
  for (const [step, expected] of [
    [0, [0, false, 1]],
    [15, [10, true, 2]],
    [null, [20, true, 3]],
  ]) {
    told.choose(step);
    assert.deepEqual(seen(), expected);
  }
  assert.equal(told.start("a")[0].value, 1);
});
