// Numbers as readers see them: a true minus, and the decimal separator of the page's language. What
// that language asks for is looked up once: axes write numbers in each frame.
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

// As Intl takes it. Tools that translate pages may leave there what is no language tag: then the browser's.
/** @type {(tag: string) => string | undefined} */
export function languageOf(tag) {
  try {
    return Intl.getCanonicalLocales(tag)[0];
  } catch {
    return undefined;
  }
}

export class Numbers {
  #counts;
  #separator;
  #percent; // what stands before and after a number that is a percentage

  /** @param {string | undefined} language */
  constructor(language) {
    /** @type {(options: Intl.NumberFormatOptions) => Intl.NumberFormat} */
    const format = (options) => new Intl.NumberFormat(language, { numberingSystem: "latn", ...options });
    this.#counts = format({});
    this.#separator =
      format({})
        .formatToParts(0.5)
        .find(({ type }) => type === "decimal")?.value ?? ".";
    this.#percent = format({ style: "percent" }).format(0.5).split("50");
  }

  // What JavaScript or a slider writes for a number, as readers see it.
  /** @type {(text: string | number) => string} */
  localised = (text) => `${text}`.replace(/^-/, "−").replace(".", this.#separator);

  // With so many digits after the separator, and no minus before a zero.
  /** @type {(value: number, digits: number) => string} */
  fixed = (value, digits) => {
    const text = value.toFixed(digits);
    return this.localised(Number(text) === 0 ? (0).toFixed(digits) : text);
  };

  // The value is 50 for a half.
  /** @type {(value: number, digits?: number) => string} */
  percent = (value, digits = 0) => this.#percent.join(this.fixed(value, digits));

  // A whole number, its thousands apart.
  /** @type {(number: number) => string} */
  count = (number) => this.#counts.format(number);

  // As 0.2 or 5,000, and as 2·10⁶ where that would be long. No digit before the decimal point is
  // rounded away. app/web/summary.py does the same.
  /** @type {(value: number, digits?: number) => string} */
  numeral = (value, digits = 6) => {
    const size = Math.abs(value);
    if (value === 0 || (size >= 1e-3 && size < 1e4)) return this.#short(value, digits);
    const [mantissa, exponent] = value
      .toExponential(digits - 1)
      .split("e")
      .map(Number);
    const raised = `${Math.abs(exponent)}`.replace(/\d/g, (digit) => SUPERSCRIPTS[Number(digit)]);
    const power = `10${exponent < 0 ? "⁻" : ""}${raised}`;
    const sign = mantissa < 0 ? "−" : "";
    return sign + (Math.abs(mantissa) === 1 ? power : `${this.localised(Math.abs(mantissa))}·${power}`);
  };

  /** @type {(value: number, digits: number) => string} */
  #short(value, digits) {
    const thousands = Math.abs(value) >= 1000;
    const rounded = Number(value.toPrecision(thousands ? Math.max(digits, 4) : digits));
    return Math.abs(rounded) >= 1000 ? this.#counts.format(rounded).replace("-", "−") : this.localised(rounded);
  }
}

// The page's language; English where there is no page.
export const language = languageOf(globalThis.document?.documentElement.lang ?? "en");

export const { localised, fixed, percent, count, numeral } = new Numbers(language);
