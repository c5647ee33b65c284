// The drawings of widget train-or-test: two number lines, and averages over the batches.
import { draw, set } from "../dom/svg.js";

/**
 * @typedef {"train" | "test"} Mode
 * @typedef {Record<Mode, { mean: number, variance: number }>} Moments
 * @typedef {{ line: Element, input: Element, output: Element }} Dot
 * @typedef {object} Drawing
 * @property {number[]} batch
 * @property {number[]} outputs
 * @property {Moments} moments
 * @property {Mode} mode
 * @property {Record<Mode, Map<number, number>>} earlier
 */

/** @type {Mode[]} */
const MODES = ["train", "test"];
const INPUT_Y = 140;
const OUTPUT_Y = 300;
const ROWS = 5; // dots side by side on a line would hide each other
const ROW_HEIGHT = 9;
/** @type {Record<string, number>} */
const BRACKETS = { train: 22, test: 50 };
/** @type {Record<string, number>} */
const LANES = { train: 350, test: 382 };
const SHAPE_Y = 240;

// Values to pixels along one line, as the template drew it.
/** @type {(svg: Element, name: string) => (value: number) => number} */
function along(svg, name) {
  const { origin, unit } = svg.querySelector(`[data-axis=${name}]`).dataset;
  return (value) => Number(origin) + value * Number(unit);
}

export class Strips {
  #input;
  #output;
  /** @type {Element} */
  #marks;
  /** @type {Record<string, [Element, Element]>} */
  #brackets = {};
  /** @type {Record<string, Element>} */
  #lanes = {};
  #lines;
  #circles;
  /** @type {Dot[]} */
  #dots = []; // one {line, input, output} an example, the chosen one first

  /**
   * @param {Element} svg
   * @param {{ gamma: number, beta: number }} shape
   */
  constructor(svg, { gamma, beta }) {
    this.#input = along(svg, "input");
    this.#output = along(svg, "output");
    this.#marks = svg.querySelector("[data-marks]");
    for (const mode of MODES) {
      const group = draw(this.#marks, "g", { "data-uses": mode });
      this.#brackets[mode] = [draw(group, "path", { class: "bar" }), draw(group, "path", { class: "mark" })];
      this.#lanes[mode] = draw(group, "g", { class: "lane" });
    }
    const [low, middle, high] = [beta - gamma, beta, beta + gamma].map(this.#output);
    draw(this.#marks, "path", { class: "bar gamma", d: `M${low} ${SHAPE_Y}H${high}` });
    draw(this.#marks, "path", { class: "mark beta", d: `M${middle} ${SHAPE_Y - 11}v22` });
    this.#lines = draw(this.#marks, "g", {});
    this.#circles = draw(this.#marks, "g", {});
  }

  /** @type {(drawing: Drawing) => void} */
  draw({ batch, outputs, moments, mode, earlier }) {
    this.#fit(batch.length);
    batch.forEach((value, index) => {
      const { line, input, output } = this.#dots[index];
      const up = 12 + (index % ROWS) * ROW_HEIGHT;
      const [x, y] = [this.#input(value), this.#output(outputs[index])];
      set(input, { cx: x, cy: INPUT_Y - up });
      set(output, { cx: y, cy: OUTPUT_Y - up * 0.8 });
      set(line, { d: `M${x} ${INPUT_Y}L${y} ${OUTPUT_Y}` });
    });
    for (const kind of MODES) {
      const { mean, variance } = moments[kind];
      const [bar, mark] = this.#brackets[kind];
      const deviation = Math.sqrt(variance);
      const y = BRACKETS[kind];
      set(bar, { d: `M${this.#input(mean - deviation)} ${y}H${this.#input(mean + deviation)}` });
      set(mark, { d: `M${this.#input(mean)} ${y - 11}v22` });
      this.#drawLane(kind, earlier[kind], kind === mode);
    }
  }

  // One tick for each output so far; the newest stands out.
  /** @type {(kind: Mode, outputs: Map<number, number>, used: boolean) => void} */
  #drawLane(kind, outputs, used) {
    const y = LANES[kind];
    const ticks = [...outputs.values()].map((output, index) => {
      const newest = used && index === outputs.size - 1;
      const tick = document.createElementNS("http://www.w3.org/2000/svg", "path");
      set(tick, { class: newest ? "newest" : "", d: `M${this.#output(output)} ${y}v18` });
      return tick;
    });
    this.#lanes[kind].replaceChildren(...ticks);
  }

  /** @type {(count: number) => void} */
  #fit(count) {
    while (this.#dots.length < count) {
      const kind = this.#dots.length ? "mate" : "example";
      const r = kind === "mate" ? 5 : 9;
      this.#dots.push({
        line: draw(this.#lines, "path", { class: kind }),
        input: draw(this.#circles, "circle", { class: kind, r }),
        output: draw(this.#circles, "circle", { class: kind, r }),
      });
    }
    for (const dot of this.#dots.splice(count)) Object.values(dot).forEach((part) => part.remove());
    // The example over its mates.
    const { line, input, output } = this.#dots[0];
    this.#lines.append(line);
    this.#circles.append(input, output);
  }
}

// A running average over the batches, and what it averages.
export class Trace {
  /** @type {HTMLElement} */
  #svg;
  #dots;
  #line;

  /** @param {HTMLElement} svg */
  constructor(svg) {
    this.#svg = svg;
    this.#dots = draw(svg, "path", { class: "batches" });
    this.#line = draw(svg, "path", { class: "running" });
  }

  /** @type {string} */
  get kind() {
    return this.#svg.dataset.trace ?? "";
  }

  // The last 60 batches; a value beyond the scale is drawn at its edge.
  /** @type {(averages: { batches: number[], running: number[] }) => void} */
  draw({ batches, running }) {
    const [low, high] = [this.#svg.dataset.low, this.#svg.dataset.high].map(Number);
    const shown = Math.min(60, batches.length);
    /** @type {(value: number, index: number) => string} */
    const place = (value, index) => {
      const share = Math.min(Math.max((value - low) / (high - low), 0), 1);
      return `${(38 + (index / 59) * 284).toFixed(1)} ${(110 - 100 * share).toFixed(1)}`;
    };
    const dots = batches.slice(-shown).map((value, index) => `M${place(value, index)}h0.001`);
    const line = running.slice(-shown).map((value, index) => place(value, index));
    set(this.#dots, { d: dots.join("") });
    set(this.#line, { d: `M${line.join("L")}` });
  }
}
