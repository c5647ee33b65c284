// A figure's recorded run, played once more where no server trains: its points come in the order of
// their steps, each training's at the pace of the run.
import { timeline } from "./timeline.js";
import { count } from "../text/numbers.js";
import { words } from "../text/words.js";

const PLAY_MS = 5000; // the whole run

/**
 * @typedef {import("./figure.js").Figure} Figure
 * @typedef {import("./figure.js").Recording} Recording
 */

/** @type {Record<string, string>} */
const SPOKEN = { running: words.replay.replaying, stopped: words.replay.stopped, failed: words.replay.lost };
/** @type {Record<string, string>} */
const LABELS = {
  running: words.replay.stop,
  stopped: words.replay.again,
  finished: words.replay.again,
  failed: words.replay.replay,
};

const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Replay {
  /** @type {Figure} */
  #figure;
  #said; // what the status line says of the recording
  /** @type {Promise<Recording | null> | null} */
  #coming = null; // the recording, once it was asked for
  #turn = 0; // each press of the button begins another
  #frame = 0;

  /** @param {Figure} figure */
  constructor(figure) {
    this.#figure = figure;
    this.#said = [...this.#status.childNodes];
    this.#button.addEventListener("click", () => (this.#state === "running" ? this.#stop() : this.#play()));
  }

  // The whole run at once, until somebody wants to see it grow.
  async open() {
    if (this.#coming) return;
    const recording = await this.#recording((error) => this.#figure.miss(error, () => this.open()));
    if (!recording || this.#turn) return;
    this.#reset(recording);
    for (const event of recording.events) this.#figure.take(event);
  }

  /** @type {(progress: import("./figure.js").Progress) => void} */
  progressed({ share, step, lastStep, row, lastRow, trainings }) {
    if (this.#state !== "running") return;
    /** @type {HTMLProgressElement} */
    const bar = this.#figure.panel.querySelector("[data-progress]");
    bar.value = share;
    if (row) this.#figure.status(words.replay.mapping({ row, last: lastRow }));
    else this.#figure.status(words.replay.training({ step: count(step), last: count(lastStep), networks: trainings }));
  }

  /** @type {string} */
  get #state() {
    return this.#figure.element.dataset.state;
  }

  /** @type {HTMLElement} */
  get #button() {
    return this.#figure.panel.querySelector("[data-main]");
  }

  /** @type {HTMLElement} */
  get #status() {
    return this.#figure.panel.querySelector("[data-status]");
  }

  /** @type {(state: string) => void} */
  #enter(state) {
    this.#button.textContent = LABELS[state];
    this.#figure.enter(state, SPOKEN[state] ?? words.replay.finished(this.#figure));
  }

  /** @type {(recording: Recording) => void} */
  #reset({ receipt }) {
    this.#figure.reset(words.figure.recordedRun(receipt));
  }

  // Null where it can't be had now, and missed(error) is called; the next press asks again.
  /** @type {(missed: (error: unknown) => void) => Promise<Recording | null>} */
  async #recording(missed) {
    this.#coming ??= this.#figure.recording();
    try {
      return await this.#coming;
    } catch (error) {
      this.#coming = null;
      missed(error);
      return null;
    }
  }

  async #play() {
    this.#turn += 1;
    const turn = this.#turn;
    this.#enter("running");
    const recording = await this.#recording(() => {});
    if (turn !== this.#turn) return;
    if (!recording) {
      this.#enter("failed");
      this.#figure.status(words.replay.lost);
      return;
    }
    this.#reset(recording);
    const { steps, rows } = this.#figure.node.dataset;
    this.#run(timeline(recording.events, { steps: Number(steps), rows: Number(rows) }));
  }

  /** @type {(moments: ReturnType<typeof timeline>) => void} */
  #run(moments) {
    let next = 0;
    /** @type {number | null} */
    let begun = null;
    /** @type {(now: number) => void} */
    const tick = (now) => {
      begun ??= now;
      const share = still.matches ? 1 : Math.min((now - begun) / PLAY_MS, 1);
      while (next < moments.length && (share === 1 || moments[next].at <= share)) {
        this.#figure.take(moments[next]);
        next += 1;
      }
      if (share === 1) this.#finish();
      else this.#frame = requestAnimationFrame(tick);
    };
    if (still.matches) tick(0);
    else this.#frame = requestAnimationFrame(tick);
  }

  #stop() {
    this.#turn += 1;
    cancelAnimationFrame(this.#frame);
    this.#enter("stopped");
    this.#figure.status(words.replay.stoppedEarly);
  }

  #finish() {
    this.#enter("finished");
    this.#status.replaceChildren(...this.#said);
  }
}
