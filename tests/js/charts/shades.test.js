// The scale of shades that all maps of a loss share.
import assert from "node:assert/strict";
import { test } from "node:test";
import { lossEdges, SHADES, shadeOf } from "../../../static/js/charts/shades.js";

// low, high, edges
const EDGES = [
  [0.37, 2.4, [0.32, 0.4, 0.5, 0.63, 0.8, 1, 1.25, 1.6, 2, 2.5]],
  [0.9, 1.0, [0.8, 1]],
  [1, 1, [1, 1.25]],
  [0.1, 20, [0.1, 0.16, 0.25, 0.4, 0.63, 1, 1.6, 2.5, 4, 6.3, 10, 16, 25]],
  [0.02, 40, [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50]],
];

for (const [low, high, edges] of EDGES) {
  test(`the edges are round and lie around the losses: ${low} to ${high}`, () => {
    assert.deepEqual(lossEdges(low, high), edges);
  });
}

test("there are never more bands than shades", () => {
  for (const [low, high] of [
    [1e-9, 1e9],
    [1e-3, 1e3],
    [0.2, 3.5],
    [2, 2],
  ]) {
    const edges = lossEdges(low, high);
    assert.ok(2 <= edges.length && edges.length <= 13, `${low} to ${high}: ${edges}`);
  }
  assert.equal(SHADES, 12);
  for (let bands = 1; bands <= 12; bands += 1) {
    const shades = Array.from({ length: bands }, (_, band) => shadeOf(band, bands));
    assert.equal(shades[0], 0);
    assert.equal(new Set(shades).size, bands);
    assert.equal(shades.at(-1), bands > 1 ? 11 : 0);
  }
});
