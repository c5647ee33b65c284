// What a live region says, and when.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as after } from "node:timers/promises";
import { say } from "../../../static/js/dom/live-region.js";

class Region {
  heard = [];

  get textContent() {
    return this.heard.at(-1) ?? "";
  }

  set textContent(text) {
    this.heard.push(text);
  }
}

test("the newest message wins and none comes too soon", async () => {
  const region = new Region();
  say(region, "one", 60);
  await after(20);
  say(region, "two", 60);
  say(region, "three", 60);
  await after(300);
  assert.deepEqual(region.heard, ["one", "three"]);
});
