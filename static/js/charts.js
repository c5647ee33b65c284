// A chart of one metric, or of two that bound a band. It knows two verbs, append and reset.
import { numeral, within, xAxis, yAxis } from "./axes.js";
import { places, Series } from "./series.js";
import { summary } from "./summary.js";

const START = { borderWidth: 1.25, borderDash: [2, 3] };
const inPercent = { style: "percent", minimumFractionDigits: 1 };
const inDigits = { maximumSignificantDigits: 4 };
// From here on a number has too many digits to be read at a glance.
const LONG = 1e6;
// A chart's name says what it shows. Who reads it should not find another at every point.
const NAMED_EVERY_MS = 1000;

// Colour and dash of an arm are read off its line in the legend: one place decides them.
function strokeOf(key) {
  const style = getComputedStyle(key);
  const dash = style.strokeDasharray === "none" ? [] : style.strokeDasharray.split(",").map(parseFloat);
  return { colour: style.stroke, dash };
}

function withAlpha(colour, alpha) {
  const channels = colour.match(/[\d.]+/g).slice(0, 3).join(" ");
  return `rgb(${channels} / ${alpha})`;
}

// A cross where a line breaks off, since what follows was not finite; a triangle where it leaves
// the axis.
function markOf(points, index) {
  const [before, point, after] = [-1, 0, 1].map((offset) => points[index + offset]);
  if (after?.y === null) return "crossRot";
  const beyond = ({ y, value }) => Math.sign(value - y);
  if (point.y === null || !beyond(point)) return null;
  return before && beyond(before) === beyond(point) ? null : "triangle";
}

// Points with their marks. Where there are none it's one value for the line: what is told point by
// point, Chart.js works out anew for each of them in each frame.
function marked(points) {
  const marks = points.map((_, index) => markOf(points, index));
  if (!marks.some(Boolean)) return { data: points, pointRadius: 0 };
  return {
    data: points,
    pointRadius: marks.map((mark) => (mark ? 4.5 : 0)),
    pointStyle: marks.map((mark) => mark ?? "circle"),
    pointRotation: points.map(({ y, value }) => (value < y ? 180 : 0)),
  };
}

// The names of the horizontal lines, above their left ends.
const levelNames = {
  id: "levelNames",
  afterDatasetsDraw({ ctx, canvas, chartArea, scales, data }) {
    ctx.save();
    ctx.font = `12px ${getComputedStyle(canvas).fontFamily}`;
    ctx.lineWidth = 4;
    ctx.lineJoin = "round";
    for (const { level, borderColor, backgroundColor, data: points } of data.datasets) {
      if (!level) continue;
      const left = scales.y.getPixelForValue(points[0].y);
      const place = [chartArea.left + 4, left > chartArea.top + 14 ? left - 6 : left + 14];
      // The paper around the letters keeps lines that cross them legible.
      ctx.strokeStyle = backgroundColor;
      ctx.strokeText(level, ...place);
      ctx.fillStyle = borderColor;
      ctx.fillText(level, ...place);
    }
    ctx.restore();
  },
};

export class Plot {
  #chart;
  #element;
  #keys;
  #format;
  #range;
  #place; // of the horizontal axis, {low, high, ticks}; null for steps
  #metrics;
  #moved = false; // a profile has a newer row than its first
  #singles = false; // each seed's line, and no band
  #levels = [];
  #series = new Series();
  #ends = new Map(); // training → its last x
  #frame = 0;
  #naming = 0; // the timer of the next name

  // element: [data-chart]; keys: arm → {label, line}, `line` being its path in the legend.
  constructor(element, keys) {
    this.#element = element;
    this.#keys = keys;
    const { chart, upper, log, low, high, share, place } = element.dataset;
    this.#metrics = upper === undefined ? [chart] : [chart, upper];
    this.#place = place === undefined ? null : JSON.parse(place);
    this.#range = { log: log !== undefined, low: Number(low), high: Number(high) };
    const style = share === undefined ? inDigits : inPercent;
    this.#format = (value) =>
      Math.abs(value) < LONG ? value.toLocaleString(undefined, style) : numeral(value, 4);
    this.#chart = new Chart(element.querySelector("canvas"), this.#configuration());
    addEventListener("themechange", () => this.#schedule());
    element.closest("details")?.addEventListener("toggle", () => this.#schedule());
  }

  reset({ steps, levels, singles }) {
    this.#singles = singles;
    this.#series.clear();
    this.#ends.clear();
    this.#levels = levels.filter(({ metric }) => metric === this.#metrics[0]);
    this.#moved = false;
    if (!this.#place) this.#chart.options.scales.x.max = steps;
    this.#schedule();
  }

  append(name, data) {
    const { arm, seed } = data;
    for (const metric of this.#metrics) {
      if (name === "points" && metric in data.values) {
        this.#series.add(metric, arm, seed, data.step, data.values[metric]);
        this.#ends.set(`${metric} ${arm} ${seed}`, data.step.at(-1));
      } else if (name === "row" && metric === data.metric) {
        this.#addRow(data);
      } else if (name === "arm" && data.state === "diverged") {
        const end = this.#ends.get(`${metric} ${arm} ${seed}`);
        if (end !== undefined) this.#series.add(metric, arm, seed, [end + 1], [null]);
      }
    }
    this.#schedule();
  }

  // The newest row of a training stands for it; its first one stays, as a thin line behind.
  #addRow(row) {
    const { metric, arm, seed } = row;
    const first = `first ${metric}`;
    if (this.#series.has(metric, arm, seed)) this.#moved = true;
    else this.#series.add(first, arm, seed, places(row), row.values);
    this.#series.add(metric, arm, seed, places(row), row.values);
    if (this.#place.high === null) this.#chart.options.scales.x.max = row.high;
  }

  // At most one repaint a frame, however fast the points come; none of what can't be seen.
  #schedule() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      if (this.#element.checkVisibility()) this.#draw();
    });
  }

  #draw() {
    const plot = this.#element.querySelector(".plot");
    plot.dataset.live = "";
    const soft = getComputedStyle(plot).color;
    const rule = getComputedStyle(plot).borderTopColor;
    const { x, y } = this.#chart.options.scales;
    for (const axis of [x, y]) {
      axis.ticks.color = soft;
      axis.title.color = soft;
      axis.grid.color = rule;
      axis.border.color = rule;
    }
    this.#chart.data.datasets = [
      ...[...this.#keys].flatMap(([arm, key]) => this.#datasets(arm, key)),
      ...(this.#moved ? [...this.#keys].map(([arm, key]) => this.#start(arm, key)) : []),
      ...this.#levels.map((level) => this.#level(level, soft)),
    ];
    this.#chart.update("none");
    this.#naming ||= setTimeout(() => this.#name(), NAMED_EVERY_MS);
  }

  #name() {
    this.#naming = 0;
    const { title, unit, share, xLabel } = this.#element.dataset;
    const line = (metric, arm, suffix) => ({
      label: this.#keys.get(arm).label + suffix,
      points: this.#series.middle(metric, arm),
    });
    const arms = [...this.#keys.keys()];
    const [lower, upper] = this.#metrics;
    const several = arms.some((arm) => this.#series.several(lower, arm));
    this.#chart.canvas.ariaLabel = summary({
      title,
      unit,
      share: share !== undefined,
      xTitle: several ? `${xLabel}, medians of the seeds` : xLabel,
      names: this.#place?.ticks,
      lines: [
        ...arms.map((arm) => line(lower, arm, "")),
        ...(upper ? arms.map((arm) => line(upper, arm, ", upper edge")) : []),
        ...(this.#moved ? arms.map((arm) => line(`first ${lower}`, arm, ", at first")) : []),
      ],
      levels: this.#levels,
    });
  }

  #datasets(arm, key) {
    const { colour, dash } = strokeOf(key.line);
    const drawn = (points) => points.map(({ x, value }) => ({ x, y: within(value, this.#range), value }));
    const line = { borderColor: colour, backgroundColor: colour, borderWidth: 2, borderDash: dash };
    const area = { backgroundColor: withAlpha(colour, 0.16), fill: "-1" };
    const middles = this.#metrics.map((metric) => drawn(this.#series.middle(metric, arm)));
    if (middles.length === 2) {
      const edge = { ...line, borderWidth: 1.5 };
      return [
        { ...edge, label: key.label, ...marked(middles[0]), upper: middles[1] },
        { ...edge, ...area, label: `${key.label}, upper edge`, ...marked(middles[1]), edge: true },
      ];
    }
    const middle = { ...line, label: key.label, ...marked(middles[0]) };
    if (!this.#series.several(this.#metrics[0], arm)) return [middle];
    if (this.#singles) {
      const thin = { ...line, borderColor: withAlpha(colour, 0.55), borderWidth: 1, band: true };
      const singles = this.#series.singles(this.#metrics[0], arm);
      return [middle, ...singles.map((points) => ({ ...thin, ...marked(drawn(points)) }))];
    }
    const [low, high] = this.#series.spread(this.#metrics[0], arm).map(drawn);
    const band = { borderWidth: 0, pointRadius: 0, band: true };
    return [middle, { ...band, data: low }, { ...band, ...area, data: high }];
  }

  // Where a profile began.
  #start(arm, key) {
    const { colour } = strokeOf(key.line);
    const points = this.#series.middle(`first ${this.#metrics[0]}`, arm);
    return {
      data: points.map(({ x, value }) => ({ x, y: within(value, this.#range), value })),
      borderColor: colour,
      ...START,
      pointRadius: 0,
      band: true,
    };
  }

  #where(x) {
    const name = this.#place?.ticks.find(([place]) => place === x)?.[1] ?? +x.toFixed(3);
    return `${this.#place ? this.#element.dataset.xLabel : "step"}: ${name}`;
  }

  // Horizontal, or straight from `value` at the left edge to `until` at the right one.
  #level({ value, until, label }, colour) {
    const { min, max } = this.#chart.options.scales.x;
    const ends = [[min, value], [max, until ?? value]];
    return {
      data: ends.map(([x, end]) => ({ x, y: within(end, this.#range), value: end })),
      borderColor: colour,
      backgroundColor: getComputedStyle(document.documentElement).backgroundColor,
      borderWidth: 1,
      borderDash: [2, 3],
      pointRadius: 0,
      band: true,
      level: label,
    };
  }

  #configuration() {
    const font = { family: getComputedStyle(this.#element).fontFamily, size: 12 };
    const { label, xLabel, share } = this.#element.dataset;
    return {
      type: "line",
      data: { datasets: [] },
      plugins: [levelNames],
      options: {
        animation: false,
        parsing: false,
        normalized: true,
        maintainAspectRatio: false,
        clip: 6,
        interaction: { mode: "index", intersect: false, axis: "x" },
        elements: {
          point: { hoverRadius: 4 },
          line: { borderJoinStyle: "round" },
        },
        scales: {
          x: xAxis({ title: xLabel, place: this.#place, font }),
          y: yAxis({ title: label, range: this.#range, share: share !== undefined, font }),
        },
        plugins: {
          legend: { display: false },
          tooltip: {
            filter: ({ dataset }) => !dataset.band && !dataset.edge,
            titleFont: font,
            bodyFont: font,
            callbacks: {
              title: ([item]) => (item ? this.#where(item.parsed.x) : ""),
              label: ({ dataset, dataIndex, raw }) => {
                const top = dataset.upper?.[dataIndex]?.value;
                const to = top === undefined || top === null ? "" : ` to ${this.#format(top)}`;
                return ` ${dataset.label}: ${this.#format(raw.value)}${to}`;
              },
            },
          },
        },
      },
    };
  }
}
