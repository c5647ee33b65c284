// Where the card of a citation goes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { place } from "../../../static/js/page/citations.js";

const CARD = { width: 200, height: 100 };
const ANCHOR = { left: 400, width: 20, bottom: 120, top: 100 };
const VIEW = { width: 1000, height: 800 };

for (const [name, anchor, view, where] of [
  ["below its citation", {}, {}, { left: 310, top: 126 }],
  ["at the left side", { left: 0 }, {}, { left: 16, top: 126 }],
  ["at the right side", { left: 970 }, {}, { left: 784, top: 126 }],
  ["above where that is too low", { bottom: 720, top: 700 }, {}, { left: 310, top: 594 }],
  ["no room on either side: below, where one can scroll to it", {}, { height: 200 }, { left: 310, top: 126 }],
  ["narrower than the card: its beginning is seen", { left: 50 }, { width: 150 }, { left: 16, top: 126 }],
]) {
  test(`a card stays in the window: ${name}`, () => {
    assert.deepEqual(place({ ...ANCHOR, ...anchor }, CARD, { ...VIEW, ...view }), where);
  });
}
