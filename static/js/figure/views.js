// All views of one figure's run, wherever on the page they stand. A view is made when it comes near
// the window, and then given what it has missed.
import { chartLibrary, contourLibrary } from "../dom/libraries.js";
import { loadModule } from "../dom/loading.js";
import { whenNear } from "../dom/in-view.js";
import { Place } from "./place.js";

/**
 * @typedef {import("../dom/frame.js").Life} Life
 * @typedef {import("./run-events.js").DrawnEvent} DrawnEvent
 * @typedef {import("./selection.js").Look} Look
 * @typedef {{ label: string, line: SVGPathElement }} Key
 * @typedef {Map<string, Key>} Keys
 * @typedef {{ id: string, events: DrawnEvent[] }} Pin
 * @typedef {import("../charts/summary.js").Level & { metric: string }} Level
 *
 * @typedef {object} Run
 * @property {number} seed
 * @property {number} seeds
 * @property {number} steps
 * @property {Level[]} levels
 * @property {boolean} singles
 * @property {Pin[]} pins
 * @property {boolean} recorded
 *
 * @typedef {{ reset: (run: Run) => void, append: (event: DrawnEvent) => void }} View
 * @typedef {{ module: string, library?: () => Promise<void>, paper?: string }} Kind
 */

// Each kind of view: its module, whose `View` is the class, and the library that this draws with;
// and what draws it on paper, which can't be waited for once a reader prints.
// A view has two verbs, reset(run) and append(event).
/** @type {Record<string, Kind>} */
const KINDS = {
  chart: { module: "charts/chart.js", library: chartLibrary, paper: "export/printing.js" },
  histogram: { module: "charts/histogram.js" },
  scrubber: { module: "charts/scrubber.js" },
  surface: { module: "charts/surface.js", library: contourLibrary },
};

/** @type {(kind: Kind) => Promise<new (element: HTMLElement, keys: Keys, look: Look, life: Life) => View>} */
async function load({ module, library, paper }) {
  if (paper) loadModule(paper).catch(() => {});
  const [{ View }] = await Promise.all([loadModule(module), library?.()]);
  return View;
}

export class Views {
  /** @type {Place[]} */
  #places;
  /** @type {Run | null} */
  #run = null; // {seed, seeds, steps, levels, singles, pins, recorded}
  /** @type {DrawnEvent[]} */
  #events = []; // of that run: {event, data}, as on the wire

  // keys: arm → {label, line}, `line` being its path in the legend; look: what is looked at.
  /**
   * @param {string} slug
   * @param {Keys} keys
   * @param {Look} look
   */
  constructor(slug, keys, look) {
    this.elements = [...document.querySelectorAll(`[data-of="${slug}"]`)];
    this.#places = this.elements.map((element) => {
      /** @type {() => Promise<(life: Life) => View>} */
      const make = async () => {
        const View = await load(KINDS[element.dataset.view]);
        return (life) => new View(element, keys, look, life);
      };
      const place = new Place(element, make, () => ({ run: this.#run, events: this.#events }));
      whenNear(element, () => place.open());
      return place;
    });
  }

  /** @type {(run: Run) => void} */
  reset(run) {
    this.#run = run;
    this.#events = [];
    for (const place of this.#places) place.reset(run);
  }

  // The same run once more, with other lines around its own: `singles` or `pins`.
  /** @type {(changes: Partial<Run>) => void} */
  again(changes) {
    if (!this.#run) return;
    const events = this.#events;
    this.reset({ ...this.#run, ...changes });
    for (const event of events) this.append(event);
  }

  /** @type {(event: DrawnEvent) => void} */
  append(event) {
    this.#events.push(event);
    for (const place of this.#places) place.append(event);
  }
}
