// Histograms as numbers and as outlines.
import assert from "node:assert/strict";
import { test } from "node:test";
import { moments, shares, skyline } from "../../../static/js/charts/bins.js";
import { assertClose } from "../close.js";

test("bins are counted as a hand counts", () => {
  assertClose(shares([1, 2, 5]), [12.5, 25, 62.5]);
  assertClose(shares([0, 0]), [0, 0]);
  assertClose(moments([-1, 1], [5, 5]), { mean: 0, deviation: 1 });
  assertClose(moments([0, 4], [3, 1]).mean, 1);
});

test("an outline is cut at the top", () => {
  assert.equal(skyline([12.5, 25, 62.5], 40), "M0 0V12.5H1V25H2V40H3V0");
});
