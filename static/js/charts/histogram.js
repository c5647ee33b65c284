// Histograms of a layer's inputs, an arm each, at the step that the reader looks at; the newest one
// until somebody chooses. Of several seeds, the first is shown.
import { moments, shares, skyline } from "./bins.js";
import { Frame } from "../dom/frame.js";
import { count, fixed, localised, percent } from "../text/numbers.js";
import { places } from "./series.js";
import { say } from "../dom/live-region.js";
import { draw, set } from "../dom/svg.js";
import { words } from "../text/words.js";

/**
 * @typedef {import("../figure/run-events.js").Row} Row
 * @typedef {{ element: HTMLElement, rows: Map<number, Row>, drawing: SVGElement | null }} Panel
 */

const PAUSE_MS = 700;
// The drawing, in its own units: bars are drawn in bins across and in percent upwards.
const BOX = { left: 44, top: 18, width: 408, height: 160 };
const SIZE = { width: BOX.left + BOX.width + 16, height: BOX.top + BOX.height + 44 };
const HIGHEST = 40; // percent: bars above it are cut off, and their share is written above them
const GRIDLINES = [0, 10, 20, 30, 40];

export class View {
  #element;
  /** @type {Map<string, Panel>} */
  #panels = new Map(); // arm → {element, rows, drawing}, its rows by step
  #look;
  /** @type {number | null} */
  #seed = null;
  #frame;
  /** @type {ReturnType<typeof setTimeout> | 0} */
  #spoken = 0;

  // element: [data-view=histogram]
  /**
   * @param {HTMLElement} element
   * @param {import("../figure/views.js").Keys} keys
   * @param {import("../figure/selection.js").Look} look
   * @param {import("../dom/frame.js").Life} life
   */
  constructor(element, keys, look, life) {
    this.#element = element;
    for (const panel of element.querySelectorAll("[data-arm]")) {
      this.#panels.set(panel.dataset.arm, { element: panel, rows: new Map(), drawing: null });
    }
    this.#look = look;
    this.#frame = new Frame(() => this.#draw(), life);
    look.step.addEventListener("change", () => this.#frame.soon(), { signal: life.signal });
    life.signal.addEventListener("abort", () => {
      clearTimeout(this.#spoken);
      for (const { drawing } of this.#panels.values()) drawing?.remove();
    });
  }

  /** @type {(run: import("../figure/views.js").Run) => void} */
  reset({ seed }) {
    this.#seed = seed;
    for (const { rows } of this.#panels.values()) rows.clear();
    this.#frame.soon();
  }

  /** @type {(event: import("../figure/run-events.js").DrawnEvent) => void} */
  append({ event, data }) {
    if (event !== "row" || data.metric !== this.#element.dataset.metric || data.seed !== this.#seed) return;
    const panel = this.#panels.get(data.arm);
    if (!panel) return;
    panel.rows.set(data.step, data);
    this.#frame.soon();
  }

  #draw() {
    this.#element.dataset.live = "";
    const step = this.#look.step.value ?? Infinity;
    const said = [...this.#panels.values()].map((panel) => this.#drawPanel(panel, step));
    this.#speak(said.filter(Boolean).join(" "));
  }

  // The newest histogram up to that step, in front of the first. Returns it in words.
  /** @type {(panel: Panel, step: number) => string} */
  #drawPanel(panel, step) {
    const { element, rows } = panel;
    panel.drawing ??= axes(element);
    const known = [...rows.keys()].filter((other) => other <= step);
    const row = rows.get(Math.max(...known));
    const label = element.querySelector("[data-at]");
    label.textContent = row ? words.histogram.step({ step: count(row.step) }) : words.histogram.waiting;
    /** @type {(name: string) => Element} */
    const part = (name) => element.querySelector(`[data-${name}]`);
    if (!row) {
      for (const name of ["bars", "first", "mean", "deviation"]) set(part(name), { d: "" });
      part("cut").replaceChildren();
      return "";
    }
    const bins = shares(row.values);
    const width = (row.high - row.low) / (row.values.length - 1);
    /** @type {(value: number) => number} */
    const bin = (value) => (value - row.low) / width + 0.5;
    scale(panel.drawing, bins.length, [row.low - width / 2, row.high + width / 2], bin);
    set(part("bars"), { d: skyline(bins, HIGHEST) });
    const first = rows.get(Math.min(...rows.keys())) ?? row;
    set(part("first"), { d: skyline(shares(first.values), HIGHEST) });
    const { mean, deviation } = moments(places(row), row.values);
    set(part("mean"), { d: `M${bin(mean)} 4v12` });
    set(part("deviation"), { d: `M${bin(mean - deviation)} 10H${bin(mean + deviation)}` });
    nameCut(part("cut"), bins);
    const said = words.histogram.moments({
      label: element.dataset.label,
      step: count(row.step),
      mean: fixed(mean, 2),
      deviation: fixed(deviation, 2),
    });
    set(panel.drawing, { "aria-label": words.histogram.name({ moments: said }) });
    return said;
  }

  // Said once a reader who chose a step pauses, and not at every one.
  /** @type {(sentence: string) => void} */
  #speak(sentence) {
    clearTimeout(this.#spoken);
    if (this.#look.step.held === null) return;
    const region = this.#element.querySelector("[data-answer]");
    this.#spoken = setTimeout(() => say(region, sentence), PAUSE_MS);
  }
}

// An empty drawing with its vertical axis, appended to an arm's panel.
/** @type {(panel: HTMLElement) => SVGElement} */
function axes(panel) {
  const { left, top, width, height } = BOX;
  const svg = draw(panel, "svg", { viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, role: "img" });
  for (const share of GRIDLINES) {
    const y = top + height * (1 - share / HIGHEST);
    draw(svg, "path", { class: "gridline", d: `M${left} ${y}h${width}` });
    draw(svg, "text", { x: left - 6, y: y + 4, "text-anchor": "end" }).textContent = percent(share);
  }
  draw(svg, "g", { "data-values": "" });
  const { ink } = panel.dataset;
  const bars = draw(svg, "g", { "data-bins": "" });
  draw(bars, "path", { class: `bars fill-${ink}`, "data-bars": "" });
  draw(bars, "path", { class: "first", "data-first": "" });
  const below = draw(svg, "g", { "data-bins": "" });
  draw(below, "path", { class: "deviation", "data-deviation": "" });
  draw(below, "path", { class: "mean", "data-mean": "" });
  draw(svg, "g", { class: "cut", "data-cut": "" });
  return svg;
}

// The horizontal axis for so many bins between two values; bin(value): where it lies among them.
/** @type {(svg: SVGElement, bins: number, range: [number, number], bin: (value: number) => number) => void} */
function scale(svg, bins, [low, high], bin) {
  const { left, top, width, height } = BOX;
  const unit = width / bins;
  const [bars, below] = svg.querySelectorAll("[data-bins]");
  set(bars, { transform: `matrix(${unit} 0 0 ${-height / HIGHEST} ${left} ${top + height})` });
  set(below, { transform: `matrix(${unit} 0 0 1 ${left} ${top + height})` });
  const values = svg.querySelector("[data-values]");
  values.replaceChildren();
  for (let value = Math.ceil(low); value <= high; value += 1) {
    if (value === low || value === high) continue;
    const place = { x: left + unit * bin(value), y: top + height + 34, "text-anchor": "middle" };
    draw(values, "text", place).textContent = localised(value);
  }
}

// What doesn't fit is written above its bar.
/** @type {(group: Element, bins: number[]) => void} */
function nameCut(group, bins) {
  group.replaceChildren();
  const unit = BOX.width / bins.length;
  bins.forEach((share, index) => {
    if (share <= HIGHEST) return;
    const x = BOX.left + (index + 0.5) * unit;
    draw(group, "text", { x, y: 11, "text-anchor": "middle" }).textContent = percent(share);
  });
}
