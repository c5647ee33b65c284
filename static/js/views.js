// All views of one figure's run, wherever on the page they stand. A view knows two verbs, reset and
// append; it is made when it comes near the window, and then told what it has missed.
import { chartLibrary, contourLibrary } from "./libraries.js";
import { whenNear } from "./near.js";

const KINDS = {
  chart: async () => {
    const [{ Plot }] = await Promise.all([import("./charts.js"), chartLibrary(), import("./printing.js")]);
    return Plot;
  },
  histogram: async () => (await import("./histogram.js")).Histogram,
  scrubber: async () => (await import("./scrubber.js")).Scrubber,
  surface: async () => {
    const [{ Surface }] = await Promise.all([import("./surface.js"), contourLibrary()]);
    return Surface;
  },
};

export class Views {
  #views = [];
  #run = null; // {seed, seeds, steps, levels, singles, pins}
  #events = []; // of that run: [name, data]

  // keys: arm → {label, line}, `line` being its path in the legend; look: what is looked at.
  constructor(slug, keys, look) {
    this.elements = [...document.querySelectorAll(`[data-of="${slug}"]`)];
    for (const element of this.elements) whenNear(element, () => this.#make(element, keys, look));
  }

  reset(run) {
    this.#run = run;
    this.#events = [];
    for (const view of this.#views) view.reset(run);
  }

  // The same run once more, with other lines around its own: `singles` or `pins`.
  again(changes) {
    if (!this.#run) return;
    const events = this.#events;
    this.reset({ ...this.#run, ...changes });
    for (const [name, data] of events) this.append(name, data);
  }

  append(name, data) {
    this.#events.push([name, data]);
    for (const view of this.#views) view.append(name, data);
  }

  async #make(element, keys, look) {
    const View = await KINDS[element.dataset.view]();
    const view = new View(element, keys, look);
    this.#views.push(view);
    if (!this.#run) return;
    view.reset(this.#run);
    for (const [name, data] of this.#events) view.append(name, data);
  }
}
