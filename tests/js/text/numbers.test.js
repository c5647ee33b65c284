// Numbers as readers see them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { languageOf, Numbers, numeral } from "../../../static/js/text/numbers.js";

for (const [value, text] of [
  [0, "0"],
  [-0.5, "−0.5"],
  [0.1 + 0.2, "0.3"],
  [9999, "9,999"],
  [-2e6, "−2·10⁶"],
]) {
  test(`a numeral is short: ${text}`, () => assert.equal(numeral(value), text));
}

for (const [value, digits, text] of [
  [0, 3, "0"],
  [-0, 3, "0"],
  [1.125, 3, "1.13"], // a tie
  [-1.125, 3, "−1.13"],
  [9999, 3, "9,999"],
  [0.0009996, 3, "10⁻³"],
  [-1e6, 3, "−10⁶"],
  [-7.5e8, 3, "−7.5·10⁸"],
  [1234.5678, 3, "1,235"],
  [-1234.5678, 6, "−1,234.57"],
  [999.96, 3, "1,000"],
  [0.1 + 0.2, 6, "0.3"],
]) {
  test(`a number has few digits: ${value} with ${digits}`, () => assert.equal(numeral(value, digits), text));
}

for (const tag of ["", "x", "auto-translated-by-a-tool", "de_DE"]) {
  test(`a language that is none is the browser's: "${tag}"`, () => {
    assert.equal(languageOf(tag), undefined);
    const browsers = new Intl.NumberFormat().format(0.5);
    assert.equal(new Numbers(undefined).localised(0.5), browsers);
  });
}

const WRITTEN = [
  [({ fixed }) => fixed(-1.25, 1), "−1.3", "−1,3"],
  [({ fixed }) => fixed(-0.001, 2), "0.00", "0,00"],
  [({ percent }) => percent(12.5, 1), "12.5%", "12,5\u00a0%"],
  [({ percent }) => percent(50), "50%", "50\u00a0%"],
  [({ count }) => count(12345), "12,345", "12.345"],
  [(numbers) => numbers.numeral(0.25), "0.25", "0,25"],
  [(numbers) => numbers.numeral(-2500000), "−2.5·10⁶", "−2,5·10⁶"],
  [(numbers) => numbers.numeral(2000000), "2·10⁶", "2·10⁶"],
  [({ localised }) => localised("-0.05"), "−0.05", "−0,05"],
];

for (const [write, english, german] of WRITTEN) {
  test(`numbers are written as the language does: ${english}`, () => {
    assert.equal(write(new Numbers(languageOf("en"))), english);
    assert.equal(write(new Numbers(languageOf("de"))), german);
  });
}
