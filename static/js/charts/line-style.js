// How lines of a chart look: colours and marks.

/**
 * @typedef {{ x: number, y: number | null, value: number | null }} DrawnPoint
 * @typedef {"crossRot" | "triangle"} Mark
 */

// Colour and dash of an arm are read off its line in the legend: one place decides them.
/** @type {(key: Element) => { colour: string, dash: number[] }} */
export function strokeOf(key) {
  const style = getComputedStyle(key);
  const dash = style.strokeDasharray === "none" ? [] : style.strokeDasharray.split(",").map(parseFloat);
  return { colour: style.stroke, dash };
}

/** @type {(colour: string, alpha: number) => string} */
export function withAlpha(colour, alpha) {
  const channels = (colour.match(/[\d.]+/g) ?? []).slice(0, 3).join(" ");
  return `rgb(${channels} / ${alpha})`;
}

// A cross where a line breaks off, since what follows was not finite; a triangle where it leaves
// the axis.
/** @type {(points: DrawnPoint[], index: number) => Mark | null} */
function markOf(points, index) {
  const [before, point, after] = [-1, 0, 1].map((offset) => points[index + offset]);
  if (after?.y === null) return "crossRot";
  /** @type {(point: DrawnPoint) => number} */
  const beyond = ({ y, value }) => Math.sign(Number(value) - Number(y));
  if (point.y === null || !beyond(point)) return null;
  return before && beyond(before) === beyond(point) ? null : "triangle";
}

// Points with their marks. Where there are none it's one value for the line: what is told point by
// point, Chart.js works out anew for each of them in each frame.
/** @type {(points: DrawnPoint[]) => { data: DrawnPoint[], [option: string]: unknown }} */
export function marked(points) {
  const marks = points.map((_, index) => markOf(points, index));
  if (!marks.some(Boolean)) return { data: points, pointRadius: 0 };
  return {
    data: points,
    pointRadius: marks.map((mark) => (mark ? 4.5 : 0)),
    pointStyle: marks.map((mark) => mark ?? "circle"),
    pointRotation: points.map(({ y, value }) => (Number(value) < Number(y) ? 180 : 0)),
  };
}

// A line across a chart at one place of its horizontal axis, and a dot on each line there: {x, y, colour}.
/** @type {(chart: import("./axes.js").Chart, place: number, dots: { x: number, y: number, colour: string }[]) => void} */
export function drawCrossHair({ ctx, chartArea, scales, options }, place, dots) {
  ctx.save();
  ctx.strokeStyle = options.scales.x.ticks.color;
  ctx.lineWidth = 1;
  const across = Math.round(scales.x.getPixelForValue(place)) + 0.5;
  ctx.beginPath();
  ctx.moveTo(across, chartArea.top);
  ctx.lineTo(across, chartArea.bottom);
  ctx.stroke();
  for (const { x, y, colour } of dots) {
    ctx.fillStyle = colour;
    ctx.beginPath();
    ctx.arc(scales.x.getPixelForValue(x), scales.y.getPixelForValue(y), 3.5, 0, 2 * Math.PI);
    ctx.fill();
  }
  ctx.restore();
}
