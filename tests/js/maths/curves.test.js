// The functions of curves.js, against the formula's derivatives written out once more.
import { test } from "node:test";
import { curvature, greatest, slope, value } from "../../../static/js/maths/curves.js";
import { assertClose } from "../close.js";

const RANGE = [-3, 3];
const PLACES = 3001; // enough that no constant changes in its third digit when there are more
const LOSSES = {
  rough: {
    bowl: 0.17,
    waves: [
      [0.24, 4.2, 0.9],
      [0.11, 7.9, 2.2],
    ],
  },
  smooth: { bowl: 0.17, waves: [[0.24, 1.4, 0.9]] },
};

for (const [name, loss] of Object.entries(LOSSES)) {
  const total = (term) => loss.waves.map(term).reduce((sum, each) => sum + each, 0);
  const formula = {
    value: (x) => loss.bowl * x ** 2 + total(([a, f, p]) => a * Math.sin(f * x + p)),
    slope: (x) => 2 * loss.bowl * x + total(([a, f, p]) => a * f * Math.cos(f * x + p)),
    curvature: (x) => 2 * loss.bowl - total(([a, f, p]) => a * f ** 2 * Math.sin(f * x + p)),
  };

  test(`the ${name} loss has the derivatives and the constants of its formula`, () => {
    for (const x of [-2.9, -0.4, 0, 1.7]) {
      assertClose(value(loss, x), formula.value(x));
      assertClose(slope(loss, x), formula.slope(x));
      assertClose(curvature(loss, x), formula.curvature(x));
    }
    const largest = (derivative) => {
      const places = Array.from({ length: PLACES }, (_, index) => RANGE[0] + (index * (RANGE[1] - RANGE[0])) / (PLACES - 1));
      return Math.max(...places.map((x) => Math.abs(derivative(x))));
    };
    assertClose(greatest(slope, loss, RANGE), largest(formula.slope));
    assertClose(greatest(curvature, loss, RANGE), largest(formula.curvature));
  });
}
