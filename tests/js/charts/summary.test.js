// A chart's name says what it shows.
import assert from "node:assert/strict";
import { test } from "node:test";
import { summary } from "../../../static/js/charts/summary.js";

// points, as they are told
const COURSES = [
  [
    [
      [0, 2.31],
      [2, 2.404],
      [4, 0.3],
      [6, 0.5],
    ],
    "first 2.31 at 0, greatest 2.4 at 2, least 0.3 at 4, last 0.5 at 6",
  ],
  [
    [
      [0, 2],
      [2, 1],
    ],
    "first and greatest 2 at 0, least and last 1 at 2",
  ],
  [
    [
      [0, 1],
      [2, 1],
      [4, 2],
    ],
    "first and least 1 at 0, greatest and last 2 at 4",
  ],
  [
    [
      [0, 2],
      [2, 2],
      [4, 2.0001],
    ],
    "2 from 0 to 4",
  ],
  [[[8, 2.5e6]], "2.5·10⁶ at 8"],
  [
    [
      [0, 2],
      [2, 3],
      [4, null],
      [6, null],
    ],
    "first and least 2 at 0, greatest and last 3 at 2, not finite from 4 on",
  ],
  [
    [
      [0, null],
      [2, 3],
      [4, 2],
    ],
    "first and greatest 3 at 2, least and last 2 at 4, not finite at 1 of 3 places",
  ],
  [[[0, null]], "not finite from 0 on"],
];

const told = (line, more) => {
  const lines = [{ label: "A", points: line.map(([x, value]) => ({ x, value })) }];
  return summary({ title: "Test loss", unit: "nats", share: false, xTitle: "step", lines, ...more });
};

for (const [line, text] of COURSES) {
  test(`a line is told by its ends and its extremes: ${text}`, () => {
    assert.equal(told(line), `Test loss (nats) over the step. A: ${text}.`);
  });
}

test("a share is told in percent", () => {
  const line = [
    [0, 0.0625],
    [2, -0.0004],
    [4, -0.01],
  ];
  const end = "A: first and greatest 6.3% at 0, least and last −1.0% at 4.";
  assert.ok(told(line, { share: true }).endsWith(end));
});

test("names stand for places and levels are told", () => {
  const levels = [
    { label: "2/rate", value: 20 },
    { label: "decay", value: 20, until: 1e-4 },
  ];
  const names = [
    [-2, "¼"],
    [0, "1"],
  ];
  assert.equal(
    told(
      [
        [-2, 2],
        [0, 1],
      ],
      { names, levels },
    ),
    "Test loss (nats) over the step. A: first and greatest 2 at ¼, least and last 1 at 1. " +
      "Dotted line, 2/rate: 20. Dotted line, decay: from 20 to 10⁻⁴.",
  );
});

test("nothing measured is told too", () => {
  assert.equal(told([]), "Test loss (nats) over the step: nothing measured yet.");
});
