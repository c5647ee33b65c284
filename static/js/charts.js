// A chart of one metric: it knows two verbs, append and reset.
import { quantile } from "./statistics.js";

const BAND = [0.1, 0.9];

// Round levels for a logarithmic axis: 0.2, 0.5, 1, 2, 5 and so on.
function logTicks(scale) {
  const ticks = [];
  for (let power = Math.floor(Math.log10(scale.min)); power <= Math.log10(scale.max); power += 1) {
    for (const mantissa of [1, 2, 5]) ticks.push({ value: Number(`${mantissa}e${power}`) });
  }
  scale.ticks = ticks.filter(({ value }) => value >= scale.min && value <= scale.max);
}

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

export class Plot {
  #chart;
  #element;
  #keys;
  #format;
  #series = new Map(); // arm → step → values, one a seed
  #frame = 0;

  // element: [data-chart]; keys: arm → {label, line}, `line` being its path in the legend.
  constructor(element, keys) {
    this.#element = element;
    this.#keys = keys;
    const share = "share" in element.dataset;
    this.#format = share
      ? (value) => value.toLocaleString(undefined, { style: "percent", minimumFractionDigits: 1 })
      : (value) => value.toLocaleString(undefined, { maximumSignificantDigits: 4 });
    this.#chart = new Chart(element.querySelector("canvas"), this.#configuration(share));
    addEventListener("themechange", () => this.#schedule());
  }

  get metric() {
    return this.#element.dataset.chart;
  }

  append(arm, steps, values) {
    const line = this.#series.get(arm) ?? new Map();
    this.#series.set(arm, line);
    steps.forEach((step, index) => {
      if (!line.has(step)) line.set(step, []);
      line.get(step).push(values[index]);
    });
    this.#schedule();
  }

  reset(lastStep) {
    this.#series.clear();
    this.#chart.options.scales.x.max = lastStep;
    this.#schedule();
  }

  // At most one repaint a frame, however fast the points come.
  #schedule() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
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
    this.#chart.data.datasets = [...this.#keys].flatMap(([arm, key]) => this.#datasets(arm, key));
    this.#chart.update("none");
  }

  #datasets(arm, key) {
    const steps = [...(this.#series.get(arm) ?? [])].sort(([a], [b]) => a - b);
    const { colour, dash } = strokeOf(key.line);
    const at = (q) =>
      steps.map(([step, values]) => {
        const finite = values.filter((value) => value !== null);
        return { x: step, y: finite.length ? quantile(finite, q) : null };
      });
    const middle = {
      label: key.label,
      data: at(0.5),
      borderColor: colour,
      backgroundColor: colour,
      borderWidth: 2,
      borderDash: dash,
    };
    const several = steps.some(([, values]) => values.length > 1);
    if (!several) return [middle];
    const edge = { borderWidth: 0, backgroundColor: withAlpha(colour, 0.16), band: true };
    return [middle, { ...edge, data: at(BAND[0]) }, { ...edge, data: at(BAND[1]), fill: "-1" }];
  }

  #configuration(share) {
    const font = { family: getComputedStyle(this.#element).fontFamily, size: 12 };
    const { log, low, high } = this.#element.dataset;
    // A cross where a line breaks off: the value after it was not finite.
    const diverged = ({ dataset, dataIndex }) => dataset.data[dataIndex + 1]?.y === null;
    return {
      type: "line",
      data: { datasets: [] },
      options: {
        animation: false,
        parsing: false,
        normalized: true,
        maintainAspectRatio: false,
        interaction: { mode: "index", intersect: false, axis: "x" },
        elements: {
          point: {
            radius: (context) => (diverged(context) ? 5 : 0),
            hoverRadius: 4,
            pointStyle: (context) => (diverged(context) ? "crossRot" : "circle"),
          },
          line: { borderJoinStyle: "round" },
        },
        scales: {
          x: {
            type: "linear",
            min: 0,
            title: { display: true, text: "training step", font },
            ticks: { font, maxTicksLimit: 6, maxRotation: 0 },
            grid: { display: false },
            border: {},
          },
          y: {
            type: log === undefined ? "linear" : "logarithmic",
            suggestedMin: Number(low),
            suggestedMax: Number(high),
            ...(log === undefined ? {} : { afterBuildTicks: logTicks }),
            title: { display: true, text: this.#element.dataset.label, font },
            ticks: {
              font,
              maxTicksLimit: 7,
              callback: share ? (value) => `${Math.round(value * 100)}%` : (value) => `${value}`,
            },
            grid: {},
            border: { display: false },
          },
        },
        plugins: {
          legend: { display: false },
          tooltip: {
            filter: ({ dataset }) => !dataset.band,
            titleFont: font,
            bodyFont: font,
            callbacks: {
              title: ([item]) => (item ? `step ${item.parsed.x}` : ""),
              label: ({ dataset, parsed }) => ` ${dataset.label}: ${this.#format(parsed.y)}`,
            },
          },
        },
      },
    };
  }
}
