// One logarithmic scale of shades for all surfaces, as app/web/maps.py has it; no page in sight.

export const SHADES = 12; // the style sheet has that many

// Mantissas of round numbers, from ten a decade (Renard's series) to one.
const SERIES = [[1, 1.25, 1.6, 2, 2.5, 3.2, 4, 5, 6.3, 8], [1, 1.6, 2.5, 4, 6.3], [1, 2, 5], [1]];

// Round losses from `low` to `high`, with at most SHADES bands between them. What lies above the
// last is in the last band.
/** @type {(low: number, high: number) => number[]} */
export function lossEdges(low, high) {
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  for (const series of SERIES) {
    const steps = [];
    for (let power = first; power <= last; power += 1) {
      for (const mantissa of series) steps.push(Number(`${mantissa}e${power}`));
    }
    const start = steps.findLastIndex((step) => step <= low);
    const end = steps.findIndex((step, index) => index > start && step >= high);
    if (end - start <= SHADES || series.length === 1) return steps.slice(start, end + 1).slice(0, SHADES + 1);
  }
  return []; // never: the last series has one mantissa
}

// The shade of band number `band` of so many: always from the first to the last of them.
/** @type {(band: number, bands: number) => number} */
export function shadeOf(band, bands) {
  return Math.round((band * (SHADES - 1)) / Math.max(bands - 1, 1));
}
