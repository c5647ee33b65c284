// Numbers as readers see them: a true minus, and the decimal separator of the page's language. What
// that language asks for is looked up once: axes write numbers in each frame.
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

// As Intl takes it. Tools that translate pages may leave there what is no language tag: then the browser's.
export const language = (() => {
  try {
    return Intl.getCanonicalLocales(document.documentElement.lang)[0];
  } catch {
    return undefined;
  }
})();

const format = (options) => new Intl.NumberFormat(language, { numberingSystem: "latn", ...options });
const counts = format({});
const separator = format({})
  .formatToParts(0.5)
  .find(({ type }) => type === "decimal").value;
const [before, after] = format({ style: "percent" }).format(0.5).split("50");

// What JavaScript or a slider writes for a number, as readers see it.
export function localised(text) {
  return `${text}`.replace(/^-/, "−").replace(".", separator);
}

// With so many digits after the separator, and no minus before a zero.
export function fixed(value, digits) {
  const text = value.toFixed(digits);
  return localised(Number(text) === 0 ? (0).toFixed(digits) : text);
}

// The value is 50 for a half.
export function percent(value, digits = 0) {
  return before + fixed(value, digits) + after;
}

// A whole number, its thousands apart.
export function count(number) {
  return counts.format(number);
}

function short(value, digits) {
  const thousands = Math.abs(value) >= 1000;
  const rounded = Number(value.toPrecision(thousands ? Math.max(digits, 4) : digits));
  return Math.abs(rounded) >= 1000 ? counts.format(rounded).replace("-", "−") : localised(rounded);
}

// As 0.2 or 5,000, and as 2·10⁶ where that would be long. No digit before the decimal point is
// rounded away. app/web/summary.py does the same.
export function numeral(value, digits = 6) {
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-3 && size < 1e4)) return short(value, digits);
  const [mantissa, exponent] = value
    .toExponential(digits - 1)
    .split("e")
    .map(Number);
  const raised = `${Math.abs(exponent)}`.replace(/\d/g, (digit) => SUPERSCRIPTS[digit]);
  const power = `10${exponent < 0 ? "⁻" : ""}${raised}`;
  const sign = mantissa < 0 ? "−" : "";
  return sign + (Math.abs(mantissa) === 1 ? power : `${localised(Math.abs(mantissa))}·${power}`);
}
