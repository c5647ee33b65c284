// Histograms of a layer's inputs, an arm each, at the step that the reader looks at; the newest one
// until somebody chooses. Of several seeds, the first is shown.
import { moments, shares, skyline } from "./bins.js";
import { Frame } from "./frame.js";
import { count, fixed, percent } from "./numbers.js";
import { places } from "./series.js";
import { say } from "./speech.js";
import { draw, set } from "./svg.js";
import { words } from "./words.js";

const PAUSE_MS = 700;

export class Histogram {
  #element;
  #panels = new Map(); // arm → {element, rows}, its rows by step
  #look;
  #seed = null;
  #frame;
  #spoken = 0;

  // element: [data-view=histogram]
  constructor(element, keys, look, life) {
    this.#element = element;
    for (const panel of element.querySelectorAll("[data-arm]")) {
      this.#panels.set(panel.dataset.arm, { element: panel, rows: new Map() });
    }
    this.#look = look;
    this.#frame = new Frame(() => this.#draw(), life);
    look.step.addEventListener("change", () => this.#frame.soon(), { signal: life.signal });
    life.signal.addEventListener("abort", () => clearTimeout(this.#spoken));
  }

  reset({ seed }) {
    this.#seed = seed;
    for (const { rows } of this.#panels.values()) rows.clear();
    this.#frame.soon();
  }

  append(name, data) {
    if (name !== "row" || data.metric !== "inputs" || data.seed !== this.#seed) return;
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
  #drawPanel({ element, rows }, step) {
    const known = [...rows.keys()].filter((other) => other <= step);
    const row = rows.get(Math.max(...known));
    const label = element.querySelector("[data-at]");
    label.textContent = row ? words.histogram.step({ step: count(row.step) }) : words.histogram.waiting;
    const part = (name) => element.querySelector(`[data-${name}]`);
    if (!row) {
      for (const name of ["bars", "first", "mean", "deviation"]) set(part(name), { d: "" });
      part("cut").replaceChildren();
      return "";
    }
    const svg = element.querySelector("svg");
    const highest = Number(svg.dataset.highest);
    const bins = shares(row.values);
    set(part("bars"), { d: skyline(bins, highest) });
    set(part("first"), { d: skyline(shares(rows.get(Math.min(...rows.keys())).values), highest) });
    const { mean, deviation } = moments(places(row), row.values);
    const width = (row.high - row.low) / (row.values.length - 1);
    const bin = (value) => (value - row.low) / width + 0.5;
    set(part("mean"), { d: `M${bin(mean)} 4v12` });
    set(part("deviation"), { d: `M${bin(mean - deviation)} 10H${bin(mean + deviation)}` });
    this.#nameCut(part("cut"), bins, highest);
    const said = words.histogram.moments({
      label: element.dataset.label,
      step: count(row.step),
      mean: fixed(mean, 2),
      deviation: fixed(deviation, 2),
    });
    set(svg, { "aria-label": words.histogram.name({ moments: said }) });
    return said;
  }

  // What doesn't fit is written above its bar.
  #nameCut(group, bins, highest) {
    group.replaceChildren();
    const { unit, left } = group.dataset;
    bins.forEach((share, index) => {
      if (share <= highest) return;
      const x = Number(left) + (index + 0.5) * Number(unit);
      draw(group, "text", { x, y: 11, "text-anchor": "middle" }).textContent = percent(share);
    });
  }

  // Said once a reader who chose a step pauses, and not at every one.
  #speak(sentence) {
    clearTimeout(this.#spoken);
    if (this.#look.step.held === null) return;
    const region = this.#element.querySelector("[data-answer]");
    this.#spoken = setTimeout(() => say(region, sentence), PAUSE_MS);
  }
}
