// A training figure: it draws a run and keeps count of it. Where runs come from is its source's
// business: live.js has the server train them, replay.js plays the recorded one. A source has two
// verbs, open (the reader comes near) and progressed (the figure has counted what it was given).
import { isRowOfMap, trainingOf } from "./run-events.js";
import { loadJson } from "../dom/loading.js";
import { Look } from "./selection.js";
import { nameCurve } from "./names.js";
import { whenNear } from "../dom/in-view.js";
import { Pace } from "../dom/throttle.js";
import { say } from "../dom/live-region.js";
import { holdHeight, keepPlace } from "../dom/steady.js";
import { trouble } from "../dom/trouble.js";
import { stepsARow } from "./timeline.js";
import { Views } from "./views.js";
import { words } from "../text/words.js";

/**
 * @typedef {import("./run-events.js").DrawnEvent} DrawnEvent
 * @typedef {import("./views.js").Key & { item: HTMLElement }} Key
 * @typedef {import("./views.js").Pin} Pin
 * @typedef {{ receipt: any, events: DrawnEvent[] }} Recording
 * @typedef {{ share: number, step: number, lastStep: number, row: number, lastRow: number, trainings: number }} Progress
 * @typedef {{ open: () => void, progressed: (progress: Progress) => void }} Source
 */

export class Figure {
  look = new Look();
  /** @type {Map<string, Key>} */
  #keys = new Map();
  #views;
  #source;
  /** @type {Pin[]} */
  #pins = []; // runs whose lines stay behind: {id, events}
  /** @type {Map<string, number>} */
  #steps = new Map(); // training → last step
  /** @type {Map<string, number>} */
  #rows = new Map(); // training → rows of its map
  #quarter = 0; // the last of which the reader was told
  /** @type {HTMLElement | null} */
  #missing = null; // what is said where the recording did not load
  #count = new Pace(() => this.#progressed());

  /**
   * @param {HTMLElement} element
   * @param {new (figure: Figure) => Source} Source
   */
  constructor(element, Source) {
    this.element = element;
    this.panel = element.querySelector("[data-panel]");
    for (const item of element.querySelectorAll(".legend [data-arm]")) {
      const label = item.querySelector("span").textContent;
      this.#keys.set(item.dataset.arm, { label, line: item.querySelector("path"), item });
    }
    this.#views = new Views(this.slug, this.#keys, this.look);
    this.#name();
    this.#singles.addEventListener("change", () => {
      this.#explain();
      this.#views.again({ singles: this.#singles.checked });
    });
    this.#source = new Source(this);
    for (const shown of [element, ...this.#views.elements]) whenNear(shown, () => this.#source.open());
  }

  /** @type {string} */
  get slug() {
    return this.element.dataset.figure;
  }

  // The panel's content, which a source may replace as a whole. It describes the run to be drawn.
  /** @type {HTMLElement} */
  get node() {
    return /** @type {HTMLElement} */ (this.panel.firstElementChild);
  }

  /** @type {string} */
  get verdict() {
    return this.panel.querySelector(".verdict")?.textContent ?? "";
  }

  // The state is spoken when it changes; the step counter is not, it would never be silent.
  /** @type {(state: string, text: string) => void} */
  enter(state, text) {
    if (this.element.dataset.state === state) return;
    this.element.dataset.state = state;
    this.#say(text);
  }

  /** @type {(text: string) => void} */
  status(text) {
    this.#count.cancel();
    const status = this.panel.querySelector("[data-status]");
    if (status && status.textContent !== text) status.textContent = text;
  }

  // The recorded run: {receipt, events}; null where there is none. Raises LoadError.
  /** @type {() => Promise<Recording | null>} */
  async recording() {
    const { recording } = this.element.dataset;
    return recording ? loadJson(recording) : null;
  }

  // Says that the recording did not load, and offers to try again.
  /** @type {(error: any, tryAgain: () => void) => void} */
  miss(error, tryAgain) {
    this.#found();
    this.#missing = trouble(words.views.recordingNotLoaded, error, tryAgain);
    this.panel.before(this.#missing);
  }

  #found() {
    this.#missing?.remove();
  }

  // The panel says what is about to be drawn.
  /** @type {(shown: string) => void} */
  reset(shown) {
    this.#found();
    this.#count.cancel();
    const { seed, seeds, steps, levels } = this.node.dataset;
    this.#steps.clear();
    this.#rows.clear();
    this.#quarter = 0;
    for (const { item } of this.#keys.values()) item.querySelector("[data-arm-state]").textContent = "";
    this.look.step.clear();
    this.#views.reset({
      seed: Number(seed),
      seeds: Number(seeds),
      steps: Number(steps),
      levels: JSON.parse(levels),
      singles: this.#singles.checked,
      pins: this.#pins,
      recorded: !("run" in this.node.dataset),
    });
    this.element.querySelector("[data-bands]").hidden = Number(seeds) === 1;
    this.#explain();
    for (const name of document.querySelectorAll(`[data-shown-of="${this.slug}"]`)) name.textContent = shown;
  }

  // Runs whose lines stay behind those of the run that is shown: [{id, events}].
  /** @type {(runs: Pin[]) => void} */
  pin(runs) {
    this.#pins = runs;
    this.#views.again({ pins: runs });
  }

  // What the text says of this run: its verdict, or why there is none.
  /** @type {(text: string) => void} */
  tell(text) {
    for (const place of document.querySelectorAll(`[data-verdict-of="${this.slug}"]`)) {
      holdHeight(place.closest("p"));
      place.textContent = text;
    }
  }

  // One event of the run: points, row or arm.
  /** @type {(event: DrawnEvent) => void} */
  take(event) {
    this.#views.append(event);
    const training = trainingOf(event);
    if (event.event === "points") {
      const { step } = event.data;
      this.#steps.set(training, step[step.length - 1]);
      this.#count.soon();
    } else if (isRowOfMap(event)) {
      this.#rows.set(training, (this.#rows.get(training) ?? 0) + 1);
      this.#count.soon();
    } else if (event.event === "arm" && event.data.state === "diverged") {
      this.#diverged(event.data);
    }
  }

  // The names of its curves, in the legend and in the text, are buttons that show them.
  #name() {
    const { arm } = this.look;
    for (const [id, { item }] of this.#keys) nameCurve(item.querySelector("span"), { choice: arm, value: id, around: item });
    for (const name of document.querySelectorAll(`[data-names^="${this.slug} "]`)) {
      nameCurve(name, { choice: arm, value: name.dataset.names.split(" ")[1], figure: this.element });
    }
    arm.addEventListener("change", () => {
      for (const [id, { item }] of this.#keys) item.toggleAttribute("data-faint", arm.value !== null && arm.value !== id);
    });
  }

  #progressed() {
    const progress = this.#progress();
    this.#source.progressed(progress);
    const quarter = Math.floor(4 * progress.share);
    if (quarter <= this.#quarter || this.element.dataset.state !== "running") return;
    this.#quarter = quarter;
    if (quarter in words.figure.quarters) this.#say(words.figure.quarters[quarter]);
  }

  /** @type {(text: string) => void} */
  #say(text) {
    say(this.element.querySelector("[data-speech]"), text);
  }

  // What the lines of several seeds are.
  #explain() {
    const { seeds } = this.node.dataset;
    const edges = this.element.querySelector("[data-upper]") !== null;
    const lines = words.figure.lines({ singles: this.#singles.checked, edges, seeds });
    this.element.querySelector("[data-lines]").textContent = lines;
  }

  /** @type {HTMLInputElement} */
  get #singles() {
    return this.element.querySelector("[data-singles]");
  }

  // Of all trainings together: the steps first and then, where a map is measured, its rows.
  /** @type {() => Progress} */
  #progress() {
    const { dataset } = this.node;
    const [steps, trainings, rows] = [dataset.steps, dataset.trainings, dataset.rows].map(Number);
    /** @type {(counts: Map<string, number>) => number} */
    const sum = (counts) => [...counts.values()].reduce((total, count) => total + count, 0);
    const [step, lastStep] = [sum(this.#steps), steps * trainings];
    const [row, lastRow] = [sum(this.#rows), rows * trainings];
    const share = (step + stepsARow(rows) * row) / (lastStep + stepsARow(rows) * lastRow);
    return { share, step, lastStep, row, lastRow, trainings };
  }

  /** @type {(ended: import("./run-events.js").ArmEnded) => void} */
  #diverged({ arm, summary }) {
    const state = this.element.querySelector(`.legend [data-arm="${arm}"] [data-arm-state]`);
    const settle = keepPlace(this.element.querySelector(".legend"));
    state.textContent = words.figure.diverged;
    settle();
    state.title = words.figure.lastValues({ values: JSON.stringify(summary) });
  }
}
