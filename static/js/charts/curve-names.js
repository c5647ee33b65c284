// The names of curves, where the curves end or have got to: in charts that are wide enough.
const WIDE = 480;
const SIZE = 12;
const AWAY = 8; // from the curve's end
const APART = 14; // two names
// Names of curves that end this near to the furthest one stand in a column.
const TOGETHER = 0.2;

/**
 * @typedef {import("./axes.js").Chart} Chart
 * @typedef {{ name: string, x: number, y: number, colour: string }} Name
 */

/** @type {(chart: Chart) => string} */
const fontOf = (chart) => `${SIZE}px ${chart.options.font.family}`;

// The room that names need to the right of the plot; 0 where they don't stand there.
/** @type {(names: string[], chart: Chart) => number} */
export function roomFor(names, chart) {
  const { ctx, canvas } = chart;
  if (canvas.clientWidth < WIDE) return 0;
  ctx.save();
  ctx.font = fontOf(chart);
  const width = Math.max(0, ...names.map((name) => ctx.measureText(name).width));
  ctx.restore();
  return Math.ceil(width) + AWAY + 2;
}

// ends: {name, x, y, colour} of each curve, x and y in the chart's values.
/** @type {(chart: Chart, ends: Name[]) => void} */
export function drawNames(chart, ends) {
  const { ctx, scales, chartArea } = chart;
  const furthest = Math.max(...ends.map(({ x }) => x));
  const column = (scales.x.max - scales.x.min) * TOGETHER;
  const names = ends.map(({ name, x, y, colour }) => ({
    name,
    colour,
    x: scales.x.getPixelForValue(x > furthest - column ? furthest : x),
    y: scales.y.getPixelForValue(y),
  }));
  ctx.save();
  ctx.font = fontOf(chart);
  ctx.textBaseline = "middle";
  for (const { name, x, y, colour } of apart(names, chartArea)) {
    ctx.fillStyle = colour;
    ctx.fillText(name, x + AWAY, y);
  }
  ctx.restore();
}

// The same names, moved so that none hides another: down, and back up from the bottom.
/** @type {(names: Name[], area: { top: number, bottom: number }) => Name[]} */
function apart(names, { top, bottom }) {
  const placed = [...names].sort((a, b) => a.y - b.y);
  let edge = top - APART;
  for (const name of placed) edge = name.y = Math.max(name.y, edge + APART);
  edge = bottom + APART;
  for (const name of [...placed].reverse()) edge = name.y = Math.min(name.y, edge - APART);
  return placed;
}
