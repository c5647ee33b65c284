// What a reader looks at: choices that pass and choices that stay.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Choice, Look } from "../../../static/js/figure/selection.js";

test("a pointer's choice hides one that was made for good, which comes back", () => {
  const choice = new Choice();
  choice.hold("bn");
  choice.pass("cnn");
  assert.deepEqual([choice.value, choice.held], ["cnn", "bn"]);
  choice.pass(null);
  assert.equal(choice.value, "bn");
  choice.toggle("bn");
  assert.equal(choice.value, null);
});

test("a choice tells of every change, and of nothing else", () => {
  const choice = new Choice();
  let changes = 0;
  choice.addEventListener("change", () => (changes += 1));
  choice.hold(3);
  choice.hold(3);
  choice.pass(3);
  choice.clear();
  choice.clear();
  assert.equal(changes, 3);
});

test("all charts with an axis of one title share a place on it", () => {
  const look = new Look();
  assert.equal(look.along("layer"), look.along("layer"));
  assert.equal(look.step, look.along("training step"));
  assert.notEqual(look.along("layer"), look.step);
});
