// The slider through a run's steps, and the button that plays them: what they choose, all views of
// the figure show. At its right end it follows the newest step.
import { Frame } from "./frame.js";
import { Pace } from "./pace.js";
import { words } from "./words.js";

const PLAY_MS = 6000; // from the first step to the last

export class Scrubber {
  #element;
  #slider;
  #number;
  #button;
  #metric; // whose rows count; all points and rows without one
  #step; // the choice
  #newest = 0;
  #ends = new Map(); // training → its last step
  #playing = 0; // the frame of a replay under way
  #frame;
  #newer = new Pace(() => this.#frame.soon());

  // element: [data-view=scrubber]
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

  reset({ steps }) {
    this.#pause();
    this.#newest = 0;
    this.#ends.clear();
    this.#slider.max = steps;
    this.#slider.step = steps;
    this.#frame.soon();
  }

  append(name, data) {
    const steps = this.#stepsOf(name, data);
    if (!steps) return;
    const training = `${data.arm} ${data.seed} ${data.metric}`;
    for (const step of steps) {
      const stride = step - (this.#ends.get(training) ?? step);
      if (stride > 0 && stride < this.#slider.step) this.#slider.step = stride;
      this.#ends.set(training, step);
      this.#newest = Math.max(this.#newest, step);
    }
    this.#newer.soon();
  }

  #stepsOf(name, data) {
    if (this.#metric) return name === "row" && data.metric === this.#metric ? [data.step] : null;
    return name === "points" ? data.step : null;
  }

  #choose(step) {
    this.#pause();
    this.#step.hold(step < this.#newest ? step : null);
  }

  #play() {
    const begun = performance.now();
    this.#button.textContent = words.scrubber.pause;
    const tick = (now) => {
      const share = (now - begun) / PLAY_MS;
      if (share >= 1) {
        this.#pause();
        this.#step.hold(null);
        return;
      }
      this.#step.hold(Math.round(Math.max(share, 0) * this.#newest));
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
    const step = this.#step.value ?? this.#newest;
    this.#element.dataset.live = "";
    this.#slider.value = step;
    this.#slider.ariaValueText = words.scrubber.step({ step });
    this.#number.textContent = step;
  }
}
