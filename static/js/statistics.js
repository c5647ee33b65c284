// Plain functions on numbers; no page in sight.

// The q-quantile (0…1) of numbers in any order, by linear interpolation (type 7, NumPy's default).
export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  const position = (sorted.length - 1) * q;
  const below = Math.floor(position);
  const above = Math.ceil(position);
  return sorted[below] + (sorted[above] - sorted[below]) * (position - below);
}
