// The slider through a run's steps, and the button that plays them: what they choose, all views of
// the figure show. At its right end it follows the newest step.
import { Frame } from "../dom/frame.js";
import { count } from "../text/numbers.js";
import { Pace } from "../dom/throttle.js";
import { words } from "../text/words.js";

const PLAY_MS = 6000; // from the first step to the last

/** @typedef {import("../figure/run-events.js").DrawnEvent} DrawnEvent */

export class View {
  #element;
  /** @type {HTMLInputElement} */
  #slider;
  #number;
  #button;
  #metric; // whose rows count; all points and rows without one
  #step; // the choice
  #newest = 0;
  #drawn = 0; // the newest step when the slider was last drawn, which is later than the step came
  /** @type {Set<number>} */
  #measured = new Set(); // the steps at which anything was measured
  /** @type {Map<string, number>} */
  #ends = new Map(); // training → its last step
  #playing = 0; // the frame of a replay under way
  #frame;
  #newer = new Pace(() => this.#frame.soon());

  // element: [data-view=scrubber]
  /**
   * @param {HTMLElement} element
   * @param {import("../figure/views.js").Keys} keys
   * @param {import("../figure/selection.js").Look} look
   * @param {import("../dom/frame.js").Life} life
   */
  constructor(element, keys, look, life) {
    this.#element = element;
    this.#slider = element.querySelector("[data-scrub]");
    this.#number = element.querySelector("[data-number]");
    this.#button = element.querySelector("[data-play]");
    this.#metric = element.dataset.metric;
    this.#step = look.step;
    this.#frame = new Frame(() => this.#draw(), life);
    const { signal } = life;
    look.step.addEventListener("change", () => this.#frame.soon(), { signal });
    this.#slider.addEventListener("input", () => this.#choose(this.#slider.valueAsNumber), { signal });
    this.#button.addEventListener("click", () => (this.#playing ? this.#pause() : this.#play()), { signal });
    signal.addEventListener("abort", () => this.#pause());
  }

  /** @type {(run: import("../figure/views.js").Run) => void} */
  reset({ steps }) {
    this.#pause();
    this.#newest = 0;
    this.#ends.clear();
    this.#measured.clear();
    this.#slider.max = `${steps}`;
    this.#slider.step = `${steps}`;
    this.#frame.soon();
  }

  /** @type {(event: DrawnEvent) => void} */
  append(event) {
    const { data } = event;
    const steps = this.#stepsOf(event);
    if (!steps) return;
    const training = `${data.arm} ${data.seed}`;
    for (const step of steps) {
      const stride = step - (this.#ends.get(training) ?? step);
      if (stride > 0 && stride < Number(this.#slider.step)) this.#slider.step = `${stride}`;
      this.#ends.set(training, step);
      this.#measured.add(step);
      this.#newest = Math.max(this.#newest, step);
    }
    this.#newer.soon();
  }

  /** @type {(event: DrawnEvent) => number[] | null} */
  #stepsOf({ event, data }) {
    if (this.#metric) return event === "row" && data.metric === this.#metric ? [data.step] : null;
    return event === "points" ? data.step : null;
  }

  /** @type {(step: number) => void} */
  #choose(step) {
    this.#pause();
    // A reader who presses where the slider ends means the newest step, though a newer one may have
    // come since it was drawn. Where the last step is no multiple of the others, the slider's end lies before it.
    const atEnd = step >= this.#drawn || step + Number(this.#slider.step) > Number(this.#slider.max);
    this.#step.hold(atEnd ? null : this.#nearest(step));
  }

  // Only a step at which something was measured is shown.
  /** @type {(step: number) => number} */
  #nearest(step) {
    /** @type {(other: number) => number} */
    const distance = (other) => Math.abs(other - step);
    return [...this.#measured].reduce((best, other) => (distance(other) < distance(best) ? other : best), this.#newest);
  }

  #play() {
    const begun = performance.now();
    this.#button.textContent = words.scrubber.pause;
    /** @type {(now: number) => void} */
    const tick = (now) => {
      const share = (now - begun) / PLAY_MS;
      if (share >= 1) {
        this.#pause();
        this.#step.hold(null);
        return;
      }
      this.#step.hold(this.#nearest(Math.max(share, 0) * this.#newest));
      this.#playing = requestAnimationFrame(tick);
    };
    this.#playing = requestAnimationFrame(tick);
  }

  #pause() {
    cancelAnimationFrame(this.#playing);
    this.#playing = 0;
    this.#button.textContent = words.scrubber.play;
  }

  #draw() {
    const step = this.#step.value === null ? this.#newest : this.#nearest(this.#step.value);
    this.#drawn = this.#newest;
    this.#element.dataset.live = "";
    this.#slider.value = `${step}`;
    this.#slider.ariaValueText = words.scrubber.step({ step: count(step) });
    this.#number.textContent = count(step);
  }
}
