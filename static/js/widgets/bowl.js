// Widget bowl: what the offset and the scale of two inputs do to the shape of the error.
import { Motion } from "./motion.js";
import { fixed } from "../text/numbers.js";
import { bestRate, condition, descend, eigen, hessian } from "../maths/quadratic.js";
import { pair } from "./samples.js";
import { Answers } from "../dom/live-region.js";
import { affine, normalise } from "../maths/statistics.js";
import { words } from "../text/words.js";
import { Contours, Scatter } from "./contours.js";

const EPSILON = 1e-5; // PyTorch's
const SEED = 70; // of those up to 99, its points keep closest together: all stay inside the drawing
const POINTS = 60;

/**
 * @typedef {import("../maths/quadratic.js").Symmetric} Symmetric
 * @typedef {import("../maths/quadratic.js").Vector} Vector
 * @typedef {"raw" | "normalised"} Stage
 */

/** @type {Vector} */
const MINIMUM = [1, 1]; // where the error is least: the weights that made the targets
/** @type {Vector} */
const START = [-0.4, 3.4]; // of the descent
const GOAL = 0.01; // the share of its first error at which it has arrived
const CAP = 500; // steps; the best rate needs fewer in every bowl that the sliders can make
const NEARLY_ROUND = 1.5; // a condition number

export class Bowl {
  /** @type {HTMLElement} */
  #element;
  #answers;
  #contours;
  #scatter;
  #motion = new Motion();
  /** @type {Stage} */
  #stage = "raw";
  /** @type {number[][]} */
  #shown = [[], []];

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
    this.#answers = new Answers(element);
    const [weights, inputs] = element.querySelectorAll(".stage [data-plane]");
    this.#contours = new Contours(weights, MINIMUM);
    this.#scatter = new Scatter(inputs);
    /** @type {(name: string, act: () => void) => void} */
    const on = (name, act) => element.querySelector(`[data-${name}]`).addEventListener("click", act);
    on("toggle", () => this.#enter(this.#stage === "raw" ? "normalised" : "raw"));
    on("restart", () => this.#restart());
    element.querySelector(".sliders").addEventListener("input", () => this.#slide());
    this.#slide();
  }

  /** @type {HTMLInputElement[]} */
  get #sliders() {
    return [.../** @type {NodeListOf<HTMLInputElement>} */ (this.#element.querySelectorAll("[data-slide]"))];
  }

  // What the sliders say: {offset, scale, correlation, rate}.
  /** @type {Record<string, number>} */
  get #settings() {
    return Object.fromEntries(this.#sliders.map((slider) => [slider.dataset.slide, slider.valueAsNumber]));
  }

  // The inputs as they come: [all x₁, all x₂].
  #raw() {
    const { offset, scale, correlation } = this.#settings;
    const [first, second] = pair(SEED, POINTS, correlation);
    return [affine(first, 1, offset), affine(second, scale, offset)];
  }

  // The inputs as the unit gets them.
  #target() {
    const raw = this.#raw();
    return this.#stage === "raw" ? raw : raw.map((values) => normalise(values, EPSILON));
  }

  #slide() {
    this.#motion.finish();
    this.#draw(this.#target());
  }

  #restart() {
    for (const slider of this.#sliders) slider.value = slider.defaultValue;
    this.#enter("raw");
  }

  /** @type {(stage: Stage) => void} */
  #enter(stage) {
    this.#motion.finish();
    this.#stage = stage;
    this.#element.querySelector("[data-toggle]").textContent = stage === "raw" ? words.bowl.normalise : words.bowl.undo;
    this.#travel();
  }

  // From the inputs as they are drawn to those that belong here; the bowl is theirs all the way.
  #travel() {
    const from = this.#shown;
    const to = this.#target();
    this.#element.dataset.moving = "";
    this.#motion.start((share) => {
      if (share === 1) delete this.#element.dataset.moving;
      /** @type {(value: number, dimension: number, index: number) => number} */
      const between = (value, dimension, index) => from[dimension][index] * (1 - share) + value * share;
      this.#draw(share === 1 ? to : to.map((values, dimension) => values.map((value, index) => between(value, dimension, index))));
    });
  }

  /** @type {(shown: number[][]) => void} */
  #draw(shown) {
    this.#shown = shown;
    const matrix = hessian(shown[0], shown[1]);
    /** @type {Vector} */
    const from = [START[0] - MINIMUM[0], START[1] - MINIMUM[1]];
    const rate = this.#settings.rate * bestRate(matrix);
    const { path, arrived } = descend(matrix, from, rate, { share: GOAL, cap: CAP });
    this.#contours.draw(matrix, path, GOAL);
    this.#scatter.draw(shown, this.#raw());
    this.#write(matrix, rate, path.length - 1, arrived);
  }

  /** @type {(matrix: Symmetric, rate: number, steps: number, arrived: boolean) => void} */
  #write(matrix, rate, steps, arrived) {
    const { dataset } = this.#element;
    const limit = 2 / eigen(matrix).values[0];
    const outcome = arrived ? "arrived" : rate > limit ? "diverged" : "capped";
    const kappa = condition(matrix);
    Object.assign(dataset, { stage: this.#stage, condition: kappa, steps, outcome, learningRate: rate });
    const reading = { arrived: steps, diverged: words.bowl.diverges, capped: words.bowl.over({ steps: CAP }) }[outcome];
    this.#show("condition", fixed(kappa, kappa < 10 ? 2 : 1));
    this.#show("steps", reading);
    for (const slider of this.#sliders) {
      /** @type {Element} */ (slider.nextElementSibling).textContent = fixed(slider.valueAsNumber, 2);
    }
    const numbers = words.bowl.rates({ rate: fixed(rate, 3), limit: fixed(limit, 3) });
    this.#element.querySelector("[data-rate]").textContent = numbers;
    // While the bowl is still turning there is nothing to say.
    if (dataset.moving === undefined) this.#say(this.#words(kappa, outcome));
  }

  /** @type {(name: string, text: string | number) => void} */
  #show(name, text) {
    this.#element.querySelector(`[data-show=${name}]`).textContent = `${text}`;
  }

  /** @type {(text: string) => void} */
  #say(text) {
    const status = this.#element.querySelector("[data-status]");
    if (status.textContent === text) return;
    status.textContent = text;
    this.#answers.say(text);
  }

  /** @type {(kappa: number, outcome: string) => string} */
  #words(kappa, outcome) {
    if (outcome === "diverged") return words.bowl.beyond;
    const { correlation } = this.#settings;
    if (this.#stage === "raw") {
      return kappa < NEARLY_ROUND ? words.bowl.nearlyRound : words.bowl.long({ ratio: fixed(Math.sqrt(kappa), 1) });
    }
    if (correlation === 0) return words.bowl.round;
    return words.bowl.correlated({ correlation: fixed(Math.abs(correlation), 2) });
  }
}
