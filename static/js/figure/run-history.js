// The runs of one figure that this browser has seen, with their settings. Each can be shown again;
// the lines of some can be pinned, and stay behind those of whatever run is shown.
import { nameCurve } from "./names.js";
import { language } from "../text/numbers.js";
import { listIn, local } from "../dom/storage.js";
import { eventsOf } from "./stream.js";
import { words } from "../text/words.js";

const MOST = 12;
const MOST_PINS = 3; // more can't be told apart
const MOST_MS = 8.64e15; // from 1970: the range of a Date
const ENDED = ["finished", "stopped", "failed"];

/**
 * @typedef {import("./run-events.js").DrawnEvent} DrawnEvent
 * @typedef {object} SeenRun
 * @property {string} id
 * @property {string} seed
 * @property {string} seeds
 * @property {string | undefined} settings
 * @property {string} state
 * @property {string | undefined} verdict
 * @property {number} at
 * @property {boolean} pinned
 */

const when = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });

/** @typedef {(run: string) => Promise<boolean>} Show */

export class Tray {
  /** @type {import("./figure.js").Figure} */
  #figure;
  /** @type {HTMLElement} */
  #element;
  /** @type {Show} */
  #show;
  #key;
  /** @type {SeenRun[]} */
  #runs; // newest first: {id, seed, seeds, settings, state, verdict, at, pinned}
  /** @type {Map<string, DrawnEvent[] | null>} */
  #events = new Map(); // pinned run → its events

  // show(run) opens it in the figure; false if the server no longer knows it.
  /**
   * @param {import("./figure.js").Figure} figure
   * @param {Show} show
   */
  constructor(figure, show) {
    this.#figure = figure;
    this.#element = figure.element.querySelector("[data-tray]");
    this.#show = show;
    this.#key = `runs of ${figure.slug}`;
    this.#runs = runsIn(local.get(this.#key));
    figure.panel.addEventListener("click", ({ target }) => {
      const pin = /** @type {Element} */ (target).closest("[data-pin]")?.dataset.pin;
      if (pin) this.#toggle(pin);
    });
    // Another tab has seen a run.
    local.watch(this.#key, (text) => {
      this.#runs = runsIn(text);
      this.#draw();
      this.#restore();
    });
    this.#draw();
    this.#restore();
  }

  // The panel says where a run stands, as its dataset.
  /** @type {(shown: DOMStringMap, verdict: string) => void} */
  see({ run, runState, seed, seeds, settings }, verdict) {
    if (!run) return;
    const known = this.#runs.find(({ id }) => id === run);
    const seen = { at: Date.now(), pinned: false, ...known, id: run, seed, seeds, settings, state: runState, verdict };
    const others = this.#runs.filter((other) => other !== known);
    this.#runs = known ? this.#runs.map((other) => (other === known ? seen : other)) : [seen, ...others].slice(0, MOST);
    this.#save();
  }

  #save() {
    local.set(this.#key, JSON.stringify(this.#runs));
    this.#draw();
  }

  /** @type {(run: string) => void} */
  #forget(run) {
    this.#runs = this.#runs.filter(({ id }) => id !== run);
    this.#events.delete(run);
    this.#save();
    this.#pin();
  }

  /** @type {(run: string) => Promise<void>} */
  async #open(run) {
    if (!(await this.#show(run))) this.#forget(run);
  }

  /** @type {(run: string) => Promise<void>} */
  async #toggle(run) {
    const chosen = this.#runs.find(({ id }) => id === run);
    if (!chosen) return;
    chosen.pinned = !chosen.pinned;
    const pinned = this.#runs.filter((other) => other.pinned && other !== chosen);
    if (chosen.pinned && pinned.length === MOST_PINS) pinned[pinned.length - 1].pinned = false;
    this.#save();
    await this.#restore();
  }

  // The lines of pinned runs come from the server, once.
  async #restore() {
    for (const { id } of this.#pinned) {
      if (!this.#events.has(id)) this.#events.set(id, await eventsOf(id));
      if (this.#events.get(id) === null) this.#forget(id);
    }
    this.#pin();
  }

  /** @type {SeenRun[]} */
  get #pinned() {
    return this.#runs.filter(({ pinned }) => pinned);
  }

  #pin() {
    const pins = this.#pinned.map(({ id }) => ({ id, events: this.#events.get(id) ?? null }));
    this.#figure.pin(pins.flatMap(({ id, events }) => (events ? [{ id, events }] : [])));
  }

  #draw() {
    this.#element.hidden = !this.#runs.length;
    this.#element.querySelector("[data-count]").textContent = `${this.#runs.length}`;
    this.#element.querySelector("[data-runs]").replaceChildren(...this.#runs.map((run) => this.#row(run)));
    const pins = this.#figure.element.querySelector("[data-pins]");
    pins.hidden = !this.#pinned.length;
    pins.replaceChildren(...this.#pinned.map((run) => this.#legend(run)));
    const button = this.#figure.panel.querySelector("[data-pin]");
    if (button) button.textContent = this.#pinned.some(({ id }) => id === button.dataset.pin) ? words.tray.unpinLines : words.tray.pinLines;
  }

  /** @type {(run: SeenRun) => HTMLElement} */
  #row(run) {
    const row = make("li");
    const about = make("p");
    /** @type {Record<string, string>} */
    const { [run.state]: state } = words.tray.states;
    about.append(make("strong", seedsOf(run)), ` ${[run.settings, state, when.format(run.at)].filter(Boolean).join(" · ")}`);
    row.append(about);
    if (run.verdict) row.append(make("p", run.verdict));
    const choices = make("p", "", "choices");
    const seeds = seedsOf(run);
    choices.append(this.#button(words.tray.show, words.tray.showRun({ seeds }), run, () => this.#open(run.id)));
    if (ENDED.includes(run.state)) choices.append(this.#pinButton(run));
    row.append(choices);
    return row;
  }

  /** @type {(run: SeenRun) => HTMLElement} */
  #pinButton(run) {
    const seeds = seedsOf(run);
    const act = () => this.#toggle(run.id);
    if (run.pinned) return this.#button(words.tray.unpin, words.tray.unpinRun({ seeds }), run, act);
    return this.#button(words.tray.pin, words.tray.pinRun({ seeds }), run, act);
  }

  /** @type {(text: string, label: string, run: SeenRun, act: () => Promise<void>) => HTMLElement} */
  #button(text, label, run, act) {
    const button = make("button", text, "plain");
    button.type = "button";
    button.ariaLabel = label;
    button.dataset.choiceOf = run.id;
    button.addEventListener("click", async () => {
      await act();
      // The row was made anew.
      this.#element.querySelector(`[data-choice-of="${run.id}"]`)?.focus();
    });
    return button;
  }

  /** @type {(run: SeenRun) => HTMLElement} */
  #legend(run) {
    const item = make("li");
    const name = make("span", `${seedsOf(run)}${run.settings ? `, ${run.settings}` : ""}`);
    item.append(words.tray.behind, " ", name, " ", this.#pinButton(run));
    nameCurve(name, { choice: this.#figure.look.run, value: run.id });
    return item;
  }
}

/**
 * @param {unknown} id
 * @returns {id is string}
 */
export const isRunId = (id) => typeof id === "string" && /^[\w-]{1,64}$/.test(id);

// As another version of the page, or somebody's hand, may have written them.
/** @type {(text: string | null) => SeenRun[]} */
function runsIn(text) {
  /** @type {Set<string>} */
  const ids = new Set();
  const runs = listIn(text, (run) => fits(run) && ids.size < ids.add(run.id).size);
  let pins = 0;
  return runs.slice(0, MOST).map((run) => ({ ...run, pinned: run.pinned && (pins += 1) <= MOST_PINS }));
}

/** @type {(run: any) => boolean} */
function fits({ id, seed, seeds, settings, state, verdict, at, pinned }) {
  return (
    isRunId(id) &&
    [seed, seeds].every((number) => /^\d{1,10}$/.test(number)) &&
    [settings, verdict].every((text) => text === undefined || typeof text === "string") &&
    Object.hasOwn(words.tray.states, state) &&
    Number.isInteger(at) &&
    Math.abs(at) < MOST_MS &&
    typeof pinned === "boolean"
  );
}

/** @type {(run: SeenRun) => string} */
function seedsOf({ seed, seeds }) {
  return Number(seeds) > 1 ? words.tray.seeds({ first: seed, last: Number(seed) + Number(seeds) - 1 }) : words.tray.seed({ seed });
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {string} text
 * @param {string} style
 */
function make(name, text = "", style = "") {
  const element = document.createElement(name);
  element.textContent = text;
  if (style) element.className = style;
  return element;
}
