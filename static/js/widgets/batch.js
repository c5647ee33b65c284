// Widget batch: subtract the mean, normalise the variance, scale and shift, in that order.
import { Motion } from "./motion.js";
import { fixed } from "../text/numbers.js";
import { cloud } from "./samples.js";
import { Answers } from "../dom/live-region.js";
import { affine, centre, mean, normalise, uncentred, unnormalised, variance } from "../maths/statistics.js";
import { words } from "../text/words.js";
import { Cloud } from "./cloud.js";

const EPSILON = 1e-5; // PyTorch's
const MAX_SEED = 9999;
// A point may be moved anywhere in the drawing, and its original stays in it, too.
/** @type {[number, number][]} */
const BOUNDS = [
  [-4, 12],
  [-4, 9],
];
const AXES = ["x", "y"];

export class Batch {
  /** @type {HTMLElement} */
  #element;
  #answers;
  #cloud;
  #motion = new Motion();
  #seed = 1;
  #step = 0;
  /** @type {number[]} */
  #gamma = [1, 1];
  /** @type {number[]} */
  #beta = [0, 0];
  /** @type {number[][]} */
  #original;
  /** @type {number[][]} */
  #shown = [[], []];

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
    this.#answers = new Answers(element);
    this.#cloud = new Cloud(element.querySelector("svg"), (index, place) => this.#move(index, place));
    for (const button of element.querySelectorAll("[data-to]")) {
      button.addEventListener("click", () => this.#go(Number(button.dataset.to)));
    }
    /** @type {NodeListOf<HTMLInputElement>} */
    const sliders = element.querySelectorAll("[data-gamma], [data-beta]");
    for (const slider of sliders) {
      slider.addEventListener("input", () => this.#slide(slider));
    }
    /** @type {(name: string, act: () => void) => void} */
    const on = (name, act) => element.querySelector(`[data-${name}]`).addEventListener("click", act);
    on("undo", () => this.#undo());
    on("restart", () => this.#restart());
    on("randomise", () => this.#randomise());
    this.#seedField.addEventListener("change", () => this.#sow(this.#seedField.valueAsNumber));
    this.#original = cloud(this.#seed);
    this.#draw(this.#original);
    this.#restart();
    this.#motion.finish();
  }

  /** @type {HTMLInputElement} */
  get #seedField() {
    return this.#element.querySelector("[data-seed-field]");
  }

  // Where this step has the values of one dimension.
  /** @type {(values: number[], dimension: number) => number[]} */
  #after(values, dimension) {
    if (this.#step === 0) return values;
    if (this.#step === 1) return centre(values);
    return affine(normalise(values, EPSILON), this.#gamma[dimension], this.#beta[dimension]);
  }

  // The value that this step draws at `target` among the others of its dimension.
  /** @type {(target: number, others: number[], dimension: number) => number} */
  #before(target, others, dimension) {
    if (this.#step === 0) return target;
    if (this.#step === 1) return uncentred(target, others);
    const gamma = this.#gamma[dimension];
    // With γ = 0 every point is drawn at β: none can be moved.
    return gamma ? unnormalised((target - this.#beta[dimension]) / gamma, others, EPSILON) : NaN;
  }

  /** @type {(index: number, place: [number, number]) => void} */
  #move(index, place) {
    this.#motion.finish();
    this.#original = this.#original.map((values, dimension) => {
      const others = values.filter((_, other) => other !== index);
      const value = this.#before(place[dimension], others, dimension);
      if (Number.isNaN(value)) return values;
      const [low, high] = BOUNDS[dimension];
      return values.map((old, other) => (other === index ? Math.min(Math.max(value, low), high) : old));
    });
    this.#draw(this.#target());
  }

  #target() {
    return this.#original.map((values, dimension) => this.#after(values, dimension));
  }

  /** @type {(step: number) => void} */
  #go(step) {
    this.#step = step;
    this.#enable();
    this.#travel();
    const next = step === 1 ? "[data-to='2']" : "[data-gamma='0']";
    this.#element.querySelector(next).focus({ preventScroll: true });
    const variances = this.#target().map((values) => fixed(variance(values), 6));
    this.#say(step === 1 ? words.batch.centred : words.batch.normalised({ variances }));
  }

  /** @type {(slider: HTMLInputElement) => void} */
  #slide(slider) {
    const { gamma, beta } = slider.dataset;
    if (gamma !== undefined) this.#gamma[Number(gamma)] = slider.valueAsNumber;
    else this.#beta[Number(beta)] = slider.valueAsNumber;
    this.#motion.finish();
    this.#draw(this.#target());
    this.#say(this.#gamma.includes(0) ? words.batch.nothingLeft : words.batch.affine);
  }

  #undo() {
    this.#gamma = this.#original.map((values) => Math.sqrt(variance(values) + EPSILON));
    this.#beta = this.#original.map(mean);
    this.#travel();
    this.#say(words.batch.undone);
  }

  #restart() {
    this.#step = 0;
    this.#gamma = [1, 1];
    this.#beta = [0, 0];
    this.#enable();
    this.#travel();
    this.#say(words.batch.data);
  }

  #randomise() {
    const [number] = crypto.getRandomValues(new Uint32Array(1));
    this.#sow(number % (MAX_SEED + 1));
  }

  /** @type {(seed: number) => void} */
  #sow(seed) {
    if (Number.isInteger(seed) && seed >= 0 && seed <= MAX_SEED) {
      this.#seed = seed;
      this.#original = cloud(seed);
      this.#restart();
    }
    this.#seedField.value = `${this.#seed}`;
  }

  // The steps have an order, and the buttons keep it.
  #enable() {
    this.#element.dataset.step = `${this.#step}`;
    /** @type {NodeListOf<HTMLButtonElement>} */
    const buttons = this.#element.querySelectorAll("[data-to]");
    for (const button of buttons) {
      const to = Number(button.dataset.to);
      button.disabled = to !== this.#step + 1;
      button.toggleAttribute("data-done", to <= this.#step);
    }
    /** @type {HTMLFieldSetElement} */
    const fields = this.#element.querySelector(".affine");
    fields.disabled = this.#step < 2;
  }

  // From where the points are drawn to where they belong.
  #travel() {
    const from = this.#shown;
    const to = this.#target();
    this.#element.dataset.moving = "";
    this.#motion.start((share) => {
      if (share === 1) {
        delete this.#element.dataset.moving;
        this.#draw(to);
        return;
      }
      this.#draw(to.map((values, dimension) => values.map((value, index) => from[dimension][index] * (1 - share) + value * share)));
    });
  }

  /** @type {(shown: number[][]) => void} */
  #draw(shown) {
    this.#shown = shown;
    this.#cloud.draw(shown, this.#original);
    this.#element.dataset.seed = `${this.#seed}`;
    shown.forEach((values, dimension) => this.#show(dimension, values, this.#original[dimension]));
  }

  // The numbers of one dimension: of the data, as drawn, and γ and β.
  /** @type {(dimension: number, values: number[], original: number[]) => void} */
  #show(dimension, values, original) {
    const cells = this.#element.querySelectorAll(`[data-moments="${dimension}"] td`);
    const moments = [original, values].flatMap((of) => [mean(of), Math.sqrt(variance(of))]);
    moments.forEach((moment, index) => (cells[index].textContent = fixed(moment, 3)));
    const axis = AXES[dimension];
    this.#element.setAttribute(`data-mean-${axis}`, `${mean(values)}`);
    this.#element.setAttribute(`data-variance-${axis}`, `${variance(values)}`);
    for (const [kind, numbers] of Object.entries({ gamma: this.#gamma, beta: this.#beta })) {
      /** @type {HTMLInputElement} */
      const slider = this.#element.querySelector(`[data-${kind}="${dimension}"]`);
      // Where a hand is on the slider it has the value already.
      if (slider.valueAsNumber !== numbers[dimension]) slider.value = `${numbers[dimension]}`;
      /** @type {Element} */ (slider.nextElementSibling).textContent = fixed(numbers[dimension], 2);
    }
  }

  /** @type {(text: string) => void} */
  #say(text) {
    const status = this.#element.querySelector("[data-status]");
    if (status.textContent === text) return;
    status.textContent = text;
    this.#answers.say(text);
  }
}
