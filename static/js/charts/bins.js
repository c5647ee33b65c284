// Histograms as numbers and as outlines; no page in sight.

// Percent of all values in each bin.
/** @type {(counts: number[]) => number[]} */
export function shares(counts) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => (total ? (100 * count) / total : 0));
}

// Mean and standard deviation of the binned values, each taken to lie in the middle of its bin.
/** @type {(places: number[], counts: number[]) => { mean: number, deviation: number }} */
export function moments(places, counts) {
  const weights = shares(counts).map((share) => share / 100);
  /** @type {(term: (place: number) => number) => number} */
  const sum = (term) => weights.reduce((total, weight, index) => total + weight * term(places[index]), 0);
  const mean = sum((place) => place);
  return { mean, deviation: Math.sqrt(sum((place) => (place - mean) ** 2)) };
}

// The outline of all bars as an SVG path, one unit a bin and a percent, cut at `highest`.
/** @type {(heights: number[], highest: number) => string} */
export function skyline(heights, highest) {
  const steps = heights.map((height, bin) => `V${+Math.min(height, highest).toPrecision(3)}H${bin + 1}`);
  return `M0 0${steps.join("")}V0`;
}
