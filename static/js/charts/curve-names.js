// The names of curves, where the curves end or have got to: in charts that are wide enough.
const WIDE = 480;
const SIZE = 12;
const LINE = 14; // from one line to the next
const AWAY = 8; // from the curve's end
const SHARE = 0.25; // of the chart's width, at most: a longer name takes several lines
// Names of curves that end this near to the furthest one stand in a column.
const TOGETHER = 0.2;

/**
 * @typedef {import("./axes.js").Chart} Chart
 * @typedef {{ name: string, x: number, y: number, colour: string }} End
 * @typedef {{ lines: string[], x: number, y: number, colour: string }} Name
 */

/** @type {<Result>(chart: Chart, act: (ctx: CanvasRenderingContext2D) => Result) => Result} */
function measured(chart, act) {
  const { ctx } = chart;
  ctx.save();
  ctx.font = `${SIZE}px ${chart.options.font.family}`;
  ctx.textBaseline = "middle";
  const result = act(ctx);
  ctx.restore();
  return result;
}

/** @type {(name: string, ctx: CanvasRenderingContext2D, room: number) => string[]} */
function linesOf(name, ctx, room) {
  /** @type {string[]} */
  const lines = [];
  for (const word of name.split(" ")) {
    const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
    if (lines.length && ctx.measureText(longer).width <= room) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

// The room that names need to the right of the plot; 0 where they don't stand there.
/** @type {(names: string[], chart: Chart) => number} */
export function roomFor(names, chart) {
  const { clientWidth } = chart.canvas;
  if (clientWidth < WIDE) return 0;
  const widths = measured(chart, (ctx) =>
    names.flatMap((name) => linesOf(name, ctx, SHARE * clientWidth).map((line) => ctx.measureText(line).width)),
  );
  return Math.ceil(Math.max(0, ...widths)) + AWAY + 2;
}

// ends: {name, x, y, colour} of each curve, x and y in the chart's values.
/** @type {(chart: Chart, ends: End[]) => void} */
export function drawNames(chart, ends) {
  const { scales, chartArea, canvas } = chart;
  const furthest = Math.max(...ends.map(({ x }) => x));
  const column = (scales.x.max - scales.x.min) * TOGETHER;
  measured(chart, (ctx) => {
    const names = ends.map(({ name, x, y, colour }) => ({
      lines: linesOf(name, ctx, SHARE * canvas.clientWidth),
      colour,
      x: scales.x.getPixelForValue(x > furthest - column ? furthest : x),
      y: scales.y.getPixelForValue(y),
    }));
    for (const { lines, x, y, colour } of apart(names, chartArea)) {
      ctx.fillStyle = colour;
      lines.forEach((line, index) => ctx.fillText(line, x + AWAY, y + LINE * (index - (lines.length - 1) / 2)));
    }
  });
}

// The same names, moved so that none hides another: down, and back up from the bottom.
/** @type {(names: Name[], area: { top: number, bottom: number }) => Name[]} */
function apart(names, { top, bottom }) {
  /** @type {(name: Name) => number} */
  const half = ({ lines }) => (lines.length * LINE) / 2;
  const placed = [...names].sort((a, b) => a.y - b.y);
  let edge = top - LINE / 2;
  for (const name of placed) {
    name.y = Math.max(name.y, edge + half(name));
    edge = name.y + half(name);
  }
  edge = bottom + LINE / 2;
  for (const name of [...placed].reverse()) {
    name.y = Math.min(name.y, edge - half(name));
    edge = name.y - half(name);
  }
  return placed;
}
