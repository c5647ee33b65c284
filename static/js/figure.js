// A training figure: it draws a run and keeps count of it. Where runs come from is its source's
// business: live.js has the server train them, replay.js plays the recorded one. A source has two
// verbs, open (the reader comes near) and progressed (the figure has counted what it was given).
import { whenNear } from "./near.js";
import { say } from "./speech.js";
import { Views } from "./views.js";

// A point of a surface takes about as long as so many training steps: for the progress bar.
const STEPS_A_POINT = 2;

// What is said of a run under way, besides its states.
const QUARTERS = ["", "A quarter is done.", "Half is done.", "Three quarters are done."];

// Of a map with so many rows, which has as many columns.
export const stepsARow = (rows) => STEPS_A_POINT * rows;

export class Figure {
  #keys = new Map();
  #views;
  #source;
  #steps = new Map(); // training → last step
  #rows = new Map(); // training → rows of its surface
  #quarter = 0; // the last of which the reader was told

  constructor(element, Source) {
    this.element = element;
    this.panel = element.querySelector("[data-panel]");
    for (const item of element.querySelectorAll(".legend [data-arm]")) {
      const label = item.querySelector("span").textContent;
      this.#keys.set(item.dataset.arm, { label, line: item.querySelector("path"), item });
    }
    this.#views = new Views(this.slug, this.#keys);
    this.#singles.addEventListener("change", () => {
      this.#explain();
      this.#views.again(this.#singles.checked);
    });
    this.#source = new Source(this);
    for (const shown of [element, ...this.#views.elements]) whenNear(shown, () => this.#source.open());
  }

  get slug() {
    return this.element.dataset.figure;
  }

  // The panel's content, which a source may replace as a whole. It describes the run to be drawn.
  get node() {
    return this.panel.firstElementChild;
  }

  get verdict() {
    return this.panel.querySelector(".verdict")?.textContent ?? "";
  }

  // The state is spoken when it changes; the step counter is not, it would never be silent.
  enter(state, words) {
    if (this.element.dataset.state === state) return;
    this.element.dataset.state = state;
    this.#say(words);
  }

  status(text) {
    const status = this.panel.querySelector("[data-status]");
    if (status && status.textContent !== text) status.textContent = text;
  }

  // The recorded run: {receipt, events}; null where there is none.
  async recording() {
    const response = await fetch(this.element.dataset.recording);
    return response.ok ? response.json() : null;
  }

  // The panel says what is about to be drawn.
  reset(shown) {
    const { seed, seeds, steps, levels } = this.node.dataset;
    this.#steps.clear();
    this.#rows.clear();
    this.#quarter = 0;
    for (const { item } of this.#keys.values()) item.querySelector("[data-arm-state]").textContent = "";
    this.#views.reset({
      seed: Number(seed),
      seeds: Number(seeds),
      steps: Number(steps),
      levels: JSON.parse(levels),
      singles: this.#singles.checked,
    });
    this.element.querySelector("[data-bands]").hidden = Number(seeds) === 1;
    this.#explain();
    for (const name of document.querySelectorAll(`[data-shown-of="${this.slug}"]`)) name.textContent = shown;
  }

  // One event of the run: points, row or arm.
  take(name, data) {
    this.#views.append(name, data);
    const training = `${data.arm} ${data.seed}`;
    if (name === "points") {
      this.#steps.set(training, data.step.at(-1));
      this.#progressed();
    } else if (name === "row" && data.metric === "surface") {
      this.#rows.set(training, (this.#rows.get(training) ?? 0) + 1);
      this.#progressed();
    } else if (name === "arm" && data.state === "diverged") {
      this.#diverged(data);
    }
  }

  #progressed() {
    const progress = this.#progress();
    this.#source.progressed(progress);
    const quarter = Math.floor(4 * progress.share);
    if (quarter <= this.#quarter || this.element.dataset.state !== "running") return;
    this.#quarter = quarter;
    if (quarter in QUARTERS) this.#say(QUARTERS[quarter]);
  }

  #say(words) {
    say(this.element.querySelector("[data-speech]"), words);
  }

  // What the lines of several seeds are.
  #explain() {
    const { seeds } = this.node.dataset;
    const edges = this.element.querySelector("[data-upper]") ? " Where a band has two lines: the median of each." : "";
    const spread = this.#singles.checked ? "Thin lines: single seeds." : `Band: 10th to 90th percentile.${edges}`;
    this.element.querySelector("[data-lines]").textContent = `Line: median. ${spread} n = ${seeds} seeds.`;
  }

  get #singles() {
    return this.element.querySelector("[data-singles]");
  }

  // Of all trainings together: the steps first and then, where there is a surface, its rows.
  #progress() {
    const { steps, trainings, rows } = this.node.dataset;
    const sum = (counts) => [...counts.values()].reduce((total, count) => total + count, 0);
    const [step, lastStep] = [sum(this.#steps), steps * trainings];
    const [row, lastRow] = [sum(this.#rows), rows * trainings];
    const share = (step + stepsARow(rows) * row) / (lastStep + stepsARow(rows) * lastRow);
    return { share, step, lastStep, row, lastRow, trainings };
  }

  #diverged({ arm, summary }) {
    const state = this.#keys.get(arm).item.querySelector("[data-arm-state]");
    state.textContent = "diverged";
    state.title = `last values: ${JSON.stringify(summary)}`;
  }
}
