// Histograms of a layer's inputs, an arm each, at a step that the reader may choose. They follow
// the newest step of a run until somebody does. Of several seeds, the first is shown.
import { moments, shares, skyline } from "./bins.js";
import { places } from "./series.js";
import { Answers } from "./speech.js";
import { draw, inWords, set } from "./svg.js";

const PLAY_MS = 6000; // from the first step to the last
const PAUSE_MS = 700;

const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Histogram {
  #element;
  #panels = new Map(); // arm → {element, rows}, its rows by step
  #scrubber;
  #number;
  #button;
  #seed = null;
  #chosen = null; // a step; null follows the newest
  #played = null; // the frame of a replay under way
  #frame = 0;
  #spoken = 0;
  #answers;

  // element: [data-view=histogram]
  constructor(element) {
    this.#element = element;
    this.#answers = new Answers(element);
    for (const panel of element.querySelectorAll("[data-arm]")) {
      this.#panels.set(panel.dataset.arm, { element: panel, rows: new Map() });
    }
    this.#scrubber = element.querySelector("[data-scrub]");
    this.#number = element.querySelector("[data-number]");
    this.#button = element.querySelector("[data-play]");
    this.#scrubber.addEventListener("input", () => this.#choose(Number(this.#scrubber.value)));
    this.#button.addEventListener("click", () => (this.#played ? this.#pause() : this.#play()));
    const offer = () => (this.#button.hidden = still.matches);
    still.addEventListener("change", offer);
    offer();
  }

  reset({ seed, steps }) {
    this.#pause();
    this.#seed = seed;
    this.#chosen = null;
    this.#scrubber.max = steps;
    for (const { rows } of this.#panels.values()) rows.clear();
    this.#schedule();
  }

  append(name, data) {
    if (name !== "row" || data.metric !== "inputs" || data.seed !== this.#seed) return;
    const panel = this.#panels.get(data.arm);
    if (!panel) return;
    panel.rows.set(data.step, data);
    this.#schedule();
  }

  #choose(step) {
    this.#pause();
    this.#chosen = step;
    this.#schedule();
  }

  get #steps() {
    const all = [...this.#panels.values()].flatMap(({ rows }) => [...rows.keys()]);
    return [...new Set(all)].sort((a, b) => a - b);
  }

  #play() {
    const last = this.#steps.at(-1) ?? 0;
    const begun = performance.now();
    this.#button.textContent = "Pause";
    const tick = (now) => {
      const share = Math.min((now - begun) / PLAY_MS, 1);
      this.#chosen = Math.round(share * last);
      this.#schedule();
      if (share === 1) this.#pause();
      else this.#played = requestAnimationFrame(tick);
    };
    this.#played = requestAnimationFrame(tick);
  }

  #pause() {
    cancelAnimationFrame(this.#played);
    this.#played = null;
    this.#button.textContent = "Play";
  }

  #schedule() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw() {
    const steps = this.#steps;
    this.#element.dataset.live = "";
    if (steps.length > 1) this.#scrubber.step = steps[1] - steps[0];
    const step = this.#chosen ?? steps.at(-1) ?? 0;
    this.#scrubber.value = step;
    this.#scrubber.setAttribute("aria-valuetext", `step ${step}`);
    this.#number.textContent = step;
    const said = [...this.#panels.values()].map((panel) => this.#drawPanel(panel, step));
    this.#speak(`Step ${step}. ${said.filter(Boolean).join(" ")}`);
  }

  // The newest histogram up to that step, in front of the first. Returns it in words.
  #drawPanel({ element, rows }, step) {
    const known = [...rows.keys()].filter((other) => other <= step);
    const row = rows.get(Math.max(...known));
    const label = element.querySelector("[data-at]");
    label.textContent = row ? `step ${row.step}` : "waiting";
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
    const words = `${element.dataset.label}: mean ${inWords(mean, 2)}, standard deviation ${inWords(deviation, 2)}.`;
    set(svg, { "aria-label": `Histogram at step ${row.step}. ${words}` });
    return words;
  }

  // What doesn't fit is written above its bar.
  #nameCut(group, bins, highest) {
    group.replaceChildren();
    const { unit, left } = group.dataset;
    bins.forEach((share, index) => {
      if (share <= highest) return;
      const x = Number(left) + (index + 0.5) * Number(unit);
      draw(group, "text", { x, y: 11, "text-anchor": "middle" }).textContent = `${Math.round(share)}%`;
    });
  }

  // Said once the reader or the run pauses, not at every step.
  #speak(sentence) {
    clearTimeout(this.#spoken);
    this.#spoken = setTimeout(() => this.#answers.say(sentence), PAUSE_MS);
  }
}
