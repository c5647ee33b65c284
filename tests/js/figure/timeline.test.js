// In which order a recording is played.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { timeline } from "../../../static/js/figure/timeline.js";

const RECORDINGS = new URL("../../../static/recordings/", import.meta.url);
const isSorted = (values) => values.every((value, index) => index === 0 || values[index - 1] <= value);

for (const slug of ["covariate-shift", "loss-surface"]) {
  test(`a replay keeps the order of each training: ${slug}`, () => {
    const { receipt, events } = JSON.parse(readFileSync(new URL(`${slug}.json`, RECORDINGS), "utf8"));
    const rows = new Set(events.filter(({ data }) => data.metric === "surface").map(({ data }) => data.y)).size;
    const moments = timeline(events, { steps: receipt.parameters.steps, rows });
    const times = moments.map(({ at }) => at);
    assert.ok(isSorted(times));
    assert.deepEqual([times.at(0), times.at(-1)], [0, 1]);
    const arms = events.filter(({ event }) => event === "arm").map(({ data }) => data.arm);
    assert.ok(arms.length > 1);
    for (const arm of arms) {
      const own = moments.filter(({ data }) => data.arm === arm);
      const reached = own.filter(({ event }) => event === "points").map(({ data }) => data.step[0]);
      assert.ok(isSorted(reached));
      const recorded = events.filter(({ event, data }) => event === "points" && data.arm === arm);
      assert.deepEqual(
        reached.length,
        recorded.reduce((sum, { data }) => sum + data.step.length, 0),
      );
      const heights = own.filter(({ data }) => data.metric === "surface").map(({ data }) => data.y);
      assert.ok(isSorted(heights));
      assert.equal(heights.length, rows);
      assert.equal(own.at(-1).event, "arm");
    }
  });
}
