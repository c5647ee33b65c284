// The place of one view. A view that can't be loaded, or that throws when it is made or draws, is taken
// away: its place says so and offers to try again, and all other views go on.
import { LoadError } from "../dom/loading.js";
import { trouble } from "../dom/trouble.js";
import { words } from "../text/words.js";

// What did not load is asked for again by itself, this long after each failure.
const RETRIES_MS = [3000, 9000, 27_000];

/**
 * @typedef {import("./run-events.js").DrawnEvent} DrawnEvent
 * @typedef {import("./views.js").Run} Run
 * @typedef {import("./views.js").View} View
 * @typedef {(life: import("../dom/frame.js").Life) => View} Make
 * @typedef {() => { run: Run | null, events: DrawnEvent[] }} Ask
 */

export class Place {
  /** @type {HTMLElement} */
  #element;
  /** @type {() => Promise<Make>} */
  #load; // async () → make(life) → view
  /** @type {Ask} */
  #told; // () → {run, events}: all that the view must show
  /** @type {View | null} */
  #view = null;
  /** @type {AbortController | null} */
  #life = null; // of the view: aborted when it is taken away
  #opened = false;
  #touched = false; // a view has been made here
  #loading = false;
  /** @type {HTMLElement | null} */
  #box = null; // what is said in the view's stead
  #retries = 0;
  /** @type {ReturnType<typeof setTimeout> | 0} */
  #timer = 0;

  /**
   * @param {HTMLElement} element
   * @param {() => Promise<Make>} load
   * @param {Ask} told
   */
  constructor(element, load, told) {
    this.#element = element;
    this.#load = load;
    this.#told = told;
  }

  // The reader has come near, or asks to try again.
  async open() {
    clearTimeout(this.#timer);
    this.#opened = true;
    if (this.#loading || this.#view) return;
    this.#loading = true;
    let make;
    try {
      make = await this.#load();
    } catch (error) {
      this.#fail(error);
      return;
    } finally {
      this.#loading = false;
    }
    this.#attempt(() => this.#make(make));
  }

  /** @type {(make: Make) => void} */
  #make(make) {
    this.#touched = true;
    const life = new AbortController();
    this.#life = life;
    /** @type {(error: unknown) => void} */
    const failed = (error) => {
      if (!life.signal.aborted) this.#fail(error);
    };
    this.#view = make({ signal: life.signal, failed });
    this.#retries = 0;
    this.#box?.remove();
    this.#box = null;
    delete this.#element.dataset.failed;
    const { run, events } = this.#told();
    if (!run) return;
    this.#show(run);
    for (const event of events) this.#view.append(event);
  }

  // A run begins. A place that has failed gets another chance.
  /** @type {(run: Run) => void} */
  reset(run) {
    if (this.#view) {
      this.#attempt(() => this.#show(run));
    } else {
      if (this.#touched || !run.recorded) this.#element.dataset.drawn = "nothing";
      this.#retries = 0;
      if (this.#opened) this.open();
    }
  }

  /** @type {(run: Run) => void} */
  #show(run) {
    this.#element.dataset.drawn = run.recorded ? "recorded" : "run";
    this.#view?.reset(run);
  }

  /** @type {(event: DrawnEvent) => void} */
  append(event) {
    if (this.#view) this.#attempt(() => this.#view?.append(event));
  }

  get #shows() {
    return this.#element.dataset.drawn;
  }

  /** @type {(act: () => void) => void} */
  #attempt(act) {
    try {
      act();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @type {(error: unknown) => void} */
  #fail(error) {
    this.#life?.abort();
    this.#life = null;
    this.#view = null;
    this.#element.dataset.failed = "";
    // What the server has drawn of the recorded run is whole until a view takes over.
    if (this.#touched || this.#shows !== "recorded") this.#element.dataset.drawn = "nothing";
    const lost = error instanceof LoadError ? error : null;
    if (!lost) reportError(error);
    const box = trouble(lost ? words.views.notLoaded : words.views.notDrawn, lost ?? {}, () => this.open());
    const hadFocus = this.#box?.contains(document.activeElement);
    if (this.#box) this.#box.replaceWith(box);
    else this.#element.append(box);
    if (hadFocus) box.querySelector("button").focus();
    this.#box = box;
    if (lost && !lost.updated && this.#retries < RETRIES_MS.length) {
      this.#timer = setTimeout(() => this.open(), RETRIES_MS[this.#retries]);
      this.#retries += 1;
    }
  }
}
