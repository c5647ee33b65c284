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
  surface: async () => {
    const [{ Surface }] = await Promise.all([import("./surface.js"), contourLibrary()]);
    return Surface;
  },
};

export class Views {
  #views = [];
  #run = null; // {seed, seeds, steps, levels, singles}
  #events = []; // of that run: [name, data]

  // keys: arm → {label, line}, `line` being its path in the legend.
  constructor(slug, keys) {
    this.elements = [...document.querySelectorAll(`[data-of="${slug}"]`)];
    for (const element of this.elements) whenNear(element, () => this.#make(element, keys));
  }

  reset(run) {
    this.#run = run;
    this.#events = [];
    for (const view of this.#views) view.reset(run);
  }

  // The same run once more, each seed's own lines shown or not.
  again(singles) {
    const events = this.#events;
    this.reset({ ...this.#run, singles });
    for (const [name, data] of events) this.append(name, data);
  }

  append(name, data) {
    this.#events.push([name, data]);
    for (const view of this.#views) view.append(name, data);
  }

  async #make(element, keys) {
    const View = await KINDS[element.dataset.view]();
    const view = new View(element, keys);
    this.#views.push(view);
    if (!this.#run) return;
    view.reset(this.#run);
    for (const [name, data] of this.#events) view.append(name, data);
  }
}
