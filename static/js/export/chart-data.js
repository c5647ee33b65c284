// A chart to take away: its picture as a file, and its numbers as a table. Loaded when a reader first
// opens one.
import { nameOf } from "../charts/axes.js";
import { numeral, percent } from "../text/numbers.js";
import { picture } from "./picture.js";
import { Shown } from "./provenance.js";
import { named } from "./chart-svg.js";
import { words } from "../text/words.js";

/**
 * @typedef {import("./chart-svg.js").Chart} Chart
 * @typedef {import("./chart-svg.js").Dataset} Dataset
 * @typedef {"svg" | "png"} FileKind
 * @typedef {{ caption: string, columns: string[], rows: string[][] }} Table
 * @typedef {{ banded: boolean, cells: Map<number, string> }} Cells
 */

/** @type {FileKind[]} */
const KINDS = ["svg", "png"];
const RENEW_MS = 1000;
const SHARPNESS = 2; // pixels of a PNG to one of the drawing
const MISSING = "–";

/** @type {WeakMap<HTMLDetailsElement, ChartData>} */
const opened = new WeakMap();

// details: .chart-data, which was just opened or closed.
/** @type {(details: HTMLDetailsElement) => void} */
export function show(details) {
  const data = opened.get(details) ?? new ChartData(details);
  opened.set(details, data);
  data.renew();
}

class ChartData {
  /** @type {HTMLDetailsElement} */
  #details;
  /** @type {HTMLElement} */
  #view; // [data-chart]
  /** @type {HTMLElement} */
  #said; // where a saved file is reported
  /** @type {HTMLElement} */
  #region; // of the table
  #shown;
  /** @type {string | null} */
  #table = null; // what is shown, as text
  /** @type {ReturnType<typeof setTimeout> | 0} */
  #timer = 0;

  /** @param {HTMLDetailsElement} details */
  constructor(details) {
    this.#details = details;
    this.#view = details.closest("[data-chart]");
    this.#shown = new Shown(this.#view);
    const saving = append(details, "p");
    saving.className = "saving";
    for (const kind of KINDS) this.#offer(saving, kind);
    this.#said = append(saving, "span");
    this.#said.setAttribute("role", "status");
    this.#region = append(details, "div");
    const name = words.chartData.name({ title: this.#view.dataset.title });
    Object.assign(this.#region, { className: "scroll", role: "region", ariaLabel: name, tabIndex: 0 });
    this.#region.dataset.table = "";
  }

  /** @type {(parent: Element, kind: FileKind) => void} */
  #offer(parent, kind) {
    const button = append(parent, "button", kind.toUpperCase());
    Object.assign(button, { type: "button", className: "quiet" });
    button.dataset.save = kind;
    button.addEventListener("click", () => this.#save(kind));
    parent.append(" ");
  }

  // The table as the chart is now, and again after a while, as long as it is open.
  renew() {
    clearTimeout(this.#timer);
    if (!this.#details.open || !this.#details.isConnected) return;
    const table = this.#read();
    const text = JSON.stringify(table);
    if (text !== this.#table) {
      this.#table = text;
      this.#region.replaceChildren(table.rows.length ? tableOf(table) : words.chartData.nothing);
    }
    this.#timer = setTimeout(() => this.renew(), RENEW_MS);
  }

  /** @type {Chart | null} */
  get #chart() {
    const chart = window.Chart?.getChart(this.#view.querySelector("canvas"));
    /** @type {Dataset[]} */
    const datasets = chart?.data.datasets ?? [];
    const drawn = named(datasets).some(({ data }) => data.some(({ y }) => y !== null));
    return drawn ? chart : null;
  }

  // {caption, columns: [text, …], rows: [[text, …], …]}
  /** @type {() => Table} */
  #read() {
    const chart = this.#chart;
    if (!chart) return { caption: "", columns: [], rows: [] };
    const { label, xLabel } = this.#view.dataset;
    const lines = named(chart.data.datasets);
    const columns = lines.map((line) => cellsOf(line, chart.data.datasets, (value) => this.#format(value)));
    const measured = lines.flatMap(({ data }) => data.filter(({ value }) => value !== null));
    const places = [...new Set(measured.map(({ x }) => x))].sort((a, b) => a - b);
    const banded = columns.some(({ banded }) => banded);
    const { seeds, several } = this.#shown;
    return {
      caption: words.chartData.caption({ label, seeds, several, banded }),
      columns: [xLabel, ...lines.map((line) => line.label)],
      rows: places.map((x) => [this.#place(x), ...columns.map(({ cells }) => cells.get(x) ?? MISSING)]),
    };
  }

  /** @type {(x: number) => string} */
  #place(x) {
    const { place } = this.#view.dataset;
    const name = place && nameOf(JSON.parse(place), x);
    return name || numeral(x, 4);
  }

  /** @type {(value: number | null | undefined) => string} */
  #format(value) {
    if (value === null || value === undefined) return MISSING;
    return "share" in this.#view.dataset ? percent(100 * value, 1) : numeral(value, 4);
  }

  /** @type {(kind: FileKind) => Promise<void>} */
  async #save(kind) {
    const chart = this.#chart;
    if (!chart) {
      this.#say(words.chartData.nothing);
      return;
    }
    const svg = this.#picture(chart);
    const blob = kind === "svg" ? new Blob([svg], { type: "image/svg+xml" }) : await rasterised(svg);
    const name = `${this.#shown.fileName}-${this.#view.dataset.chart}.${kind}`;
    download(blob, name);
    this.#say(words.chartData.saved({ name }));
  }

  /** @type {(chart: Chart) => string} */
  #picture(chart) {
    const { paper, ink } = coloursOfPage();
    const plot = getComputedStyle(this.#view.querySelector(".plot"));
    const colours = { paper, ink, soft: plot.color, rule: plot.borderTopColor };
    const what = {
      title: this.#view.dataset.title,
      description: this.#describe(chart),
      note: this.#shown.lines,
      source: this.#shown.source,
    };
    /** @type {import("./picture.js").Measure} */
    const measure = (text, size, weight = null) => {
      chart.ctx.save();
      chart.ctx.font = `${weight ?? 400} ${size}px ${getComputedStyle(this.#view).fontFamily}`;
      const { width } = chart.ctx.measureText(text);
      chart.ctx.restore();
      return width;
    };
    return picture(chart, what, colours, measure);
  }

  // For who doesn't see it: what is drawn, and where each line ends.
  /** @type {(chart: Chart) => string} */
  #describe(chart) {
    const { label, xLabel } = this.#view.dataset;
    const ends = named(chart.data.datasets).map(({ label: name, data }) => {
      const last = data.findLast(({ value }) => value !== null);
      if (!last) return words.chartData.none({ name });
      return words.chartData.last({ name, value: this.#format(last.value), place: this.#place(last.x) });
    });
    return words.chartData.description({ label, axis: xLabel, ends });
  }

  /** @type {(text: string) => void} */
  #say(text) {
    this.#said.textContent = text;
  }
}

const coloursOfPage = () => {
  const { backgroundColor: paper, color: ink } = getComputedStyle(document.documentElement);
  return { paper, ink };
};

// A line's values in words, x → text: with the upper edge where it has one, with percentiles where
// its band is drawn right behind it.
/** @type {(line: Dataset, datasets: Dataset[], format: (value: number | null | undefined) => string) => Cells} */
function cellsOf(line, datasets, format) {
  const [low, high] = datasets.slice(datasets.indexOf(line) + 1).filter(({ hidden }) => !hidden);
  const banded = Boolean(low?.band && high?.band && high.fill === "-1");
  /** @type {(point: import("./chart-svg.js").DrawnPoint, index: number) => [number, string]} */
  const cellOf = ({ x, value }, index) => {
    if (value === null) return [x, MISSING];
    const top = line.upper?.[index]?.value;
    const text = top === undefined || top === null ? format(value) : words.charts.range({ low: format(value), high: format(top) });
    const band = banded ? ` [${format(low.data[index]?.value)}–${format(high.data[index]?.value)}]` : "";
    return [x, text + band];
  };
  return { banded, cells: new Map(line.data.map(cellOf)) };
}

/** @type {(table: Table) => HTMLTableElement} */
function tableOf({ caption, columns, rows }) {
  const table = document.createElement("table");
  table.createCaption().textContent = caption;
  const head = table.createTHead().insertRow();
  for (const column of columns) append(head, "th", column).scope = "col";
  const body = table.createTBody();
  for (const [place, ...cells] of rows) {
    const row = body.insertRow();
    append(row, "th", place).scope = "row";
    for (const cell of cells) append(row, "td", cell);
  }
  return table;
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {Element} parent
 * @param {K} name
 * @param {string} text
 */
function append(parent, name, text = "") {
  const element = document.createElement(name);
  element.textContent = text;
  parent.append(element);
  return element;
}

// The content policy lets images come from data:, and not from blob:.
/** @type {(svg: string) => Promise<Blob>} */
async function rasterised(svg) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = SHARPNESS * image.naturalWidth;
  canvas.height = SHARPNESS * image.naturalHeight;
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("toBlob"))), "image/png");
  });
}

/** @type {(blob: Blob, name: string) => void} */
function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), RENEW_MS);
}
