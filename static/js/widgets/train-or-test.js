// Widget train-or-test: one example among batch mates, and the averages that testing uses.
import { fixed } from "../text/numbers.js";
import { inputs } from "./samples.js";
import { Answers } from "../dom/live-region.js";
import { mean, movingAverages, unbiasedVariance, variance } from "../maths/statistics.js";
import { words } from "../text/words.js";
import { Strips, Trace } from "./strips.js";

const EPSILON = 1e-5; // PyTorch's
const EXAMPLE = 6.5;
const GAMMA = 1;
const BETA = 0.5;
const EARLIER = 40; // batches trained on before the reader comes
const START = { mean: 0, variance: 1 }; // of the running averages, as PyTorch has it
const KEPT = 40; // outputs that are remembered in each mode

/**
 * @typedef {import("./strips.js").Mode} Mode
 * @typedef {{ draw: number, joined: boolean }} Batch
 * @typedef {{ batches: number[], running: number[] }} Averages
 */

export class TrainOrTest {
  /** @type {HTMLElement} */
  #element;
  #answers;
  #strips;
  #traces;
  /** @type {Mode} */
  #mode;
  #size = 8;
  #rate = 0.1;
  /** @type {Batch[]} */
  #trained = []; // one {draw, joined} a training batch: its number, and whether the example was in it
  #trainedSize = 8; // the last batch size that could be trained with
  #draw = 0;
  /** @type {Record<Mode, Map<number, number>>} */
  #outputs = { train: new Map(), test: new Map() }; // by mode: batch → the example's output

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
    this.#answers = new Answers(element);
    this.#strips = new Strips(element.querySelector(".strips"), { gamma: GAMMA, beta: BETA });
    this.#traces = [...element.querySelectorAll("[data-trace]")].map((svg) => new Trace(svg));
    /** @type {(name: string, event: string, act: (slider: HTMLInputElement) => void) => void} */
    const on = (name, event, act) =>
      element.querySelector(`[data-${name}]`).addEventListener(event, (e) => act(/** @type {HTMLInputElement} */ (e.target)));
    on("swap", "click", () => this.#swap());
    on("restart", "click", () => this.#restart());
    on("size", "input", (slider) => this.#resize(slider.valueAsNumber));
    on("rate", "input", (slider) => this.#change({ rate: slider.valueAsNumber }));
    element.querySelector(".modes").addEventListener("change", ({ target }) => this.#enter(modeOf(target)));
    // A browser that reloads the page may have kept the reader's choice.
    this.#mode = modeOf(element.querySelector("[name=layer-mode]:checked"));
    this.#restart();
  }

  // The batch at hand: the example first, then its mates.
  get #batch() {
    return this.#numbers({ draw: this.#draw, joined: true }, this.#size);
  }

  /** @type {(batch: Batch, size: number) => number[]} */
  #numbers({ draw, joined }, size) {
    return joined ? [EXAMPLE, ...inputs(draw, size - 1)] : inputs(draw, size);
  }

  // What each training batch had, and the running averages after each. A function of the batches
  // alone, so that another α or m shows at once what it would have led to.
  /** @type {() => { [kind: string]: Averages, mean: Averages, variance: Averages }} */
  #history() {
    const batches = this.#trained.map((batch) => this.#numbers(batch, this.#trainedSize));
    const means = batches.map(mean);
    const variances = batches.map(unbiasedVariance);
    return {
      mean: { batches: means, running: movingAverages(means, this.#rate, START.mean) },
      variance: {
        batches: variances,
        running: movingAverages(variances, this.#rate, START.variance),
      },
    };
  }

  #swap() {
    this.#draw += 1;
    // A batch of one has no unbiased variance to average.
    const trains = this.#mode === "train" && this.#size > 1;
    if (trains) this.#trained.push({ draw: this.#draw, joined: true });
    this.#show();
  }

  #restart() {
    this.#draw = EARLIER;
    this.#trained = Array.from({ length: EARLIER }, (_, draw) => ({ draw, joined: false }));
    this.#forget();
    this.#show();
  }

  /** @type {(mode: Mode) => void} */
  #enter(mode) {
    this.#mode = mode;
    this.#show();
  }

  /** @type {(size: number) => void} */
  #resize(size) {
    if (size > 1) this.#trainedSize = size;
    this.#change({ size });
  }

  // Outputs under other settings would not compare.
  /** @type {(change: { size?: number, rate?: number }) => void} */
  #change({ size = this.#size, rate = this.#rate }) {
    this.#size = size;
    this.#rate = rate;
    this.#forget();
    this.#show();
  }

  #show() {
    const batch = this.#batch;
    const history = this.#history();
    const moments = {
      train: { mean: mean(batch), variance: variance(batch) },
      test: { mean: lastOf(history.mean.running), variance: lastOf(history.variance.running) },
    };
    const used = moments[this.#mode];
    const scale = GAMMA / Math.sqrt(used.variance + EPSILON);
    const outputs = batch.map((value) => (value - used.mean) * scale + BETA);
    this.#remember(outputs[0]);
    this.#strips.draw({ batch, outputs, moments, mode: this.#mode, earlier: this.#outputs });
    for (const trace of this.#traces) trace.draw(history[trace.kind]);
    this.#write(outputs[0], moments);
  }

  #forget() {
    this.#outputs = { train: new Map(), test: new Map() };
  }

  /** @type {(output: number) => void} */
  #remember(output) {
    const kept = this.#outputs[this.#mode];
    kept.set(this.#draw, output);
    if (kept.size > KEPT) kept.delete([...kept.keys()][0]);
  }

  /** @type {(output: number, moments: import("./strips.js").Moments) => void} */
  #write(output, moments) {
    const { dataset } = this.#element;
    Object.assign(dataset, {
      mode: this.#mode,
      output,
      batchSize: this.#size,
      momentum: this.#rate,
      trained: this.#trained.length,
      batchMean: moments.train.mean,
      batchVariance: moments.train.variance,
      runningMean: moments.test.mean,
      runningVariance: moments.test.variance,
    });
    for (const [mode, { mean: middle, variance: spread }] of Object.entries(moments)) {
      const cells = this.#element.querySelectorAll(`tr[data-uses=${mode}] td`);
      cells[0].textContent = fixed(middle, 2);
      cells[1].textContent = fixed(Math.sqrt(spread), 2);
    }
    /** @type {(name: string) => HTMLInputElement} */
    const find = (name) => this.#element.querySelector(`[data-${name}]`);
    find("result").textContent = fixed(output, 3);
    beside(find("size")).textContent = `${this.#size}`;
    beside(find("rate")).textContent = fixed(this.#rate, 2);
    find("size").value = `${this.#size}`;
    find("rate").value = `${this.#rate}`;
    const status = find("status");
    const text = this.#words(fixed(output, 2));
    if (status.textContent === text) return;
    status.textContent = text;
    this.#answers.say(text);
  }

  /** @type {(output: string) => string} */
  #words(output) {
    const outputs = [...this.#outputs[this.#mode].values()];
    if (this.#mode === "test") return words.trainOrTest.averages({ output });
    if (this.#size === 1) return words.trainOrTest.alone;
    if (outputs.length < 2) return words.trainOrTest.batch({ output });
    const [low, high] = [Math.min(...outputs), Math.max(...outputs)];
    const range = { low: fixed(low, 2), high: fixed(high, 2) };
    return words.trainOrTest.batches({ output, count: outputs.length, ...range });
  }
}

/** @type {(choice: EventTarget | null) => Mode} */
const modeOf = (choice) => /** @type {Mode} */ (/** @type {HTMLInputElement} */ (choice).value);

/** @type {(values: number[]) => number} */
const lastOf = (values) => values[values.length - 1];

// A slider's number.
/** @type {(slider: Element) => Element} */
const beside = (slider) => /** @type {Element} */ (slider.nextElementSibling);
