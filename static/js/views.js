// All views of one figure's run, wherever on the page they stand. A view has two verbs, reset and
// append; it is made when it comes near the window, and then given what it has missed.
import { chartLibrary, contourLibrary } from "./libraries.js";
import { loadModule } from "./loading.js";
import { whenNear } from "./near.js";
import { Place } from "./place.js";

const KINDS = {
  chart: async () => {
    // Charts do without it, but for on paper.
    loadModule("printing.js").catch(() => {});
    const [{ Plot }] = await Promise.all([loadModule("charts.js"), chartLibrary()]);
    return Plot;
  },
  histogram: async () => (await loadModule("histogram.js")).Histogram,
  scrubber: async () => (await loadModule("scrubber.js")).Scrubber,
  surface: async () => {
    const [{ Surface }] = await Promise.all([loadModule("surface.js"), contourLibrary()]);
    return Surface;
  },
};

export class Views {
  #places;
  #run = null; // {seed, seeds, steps, levels, singles, pins, recorded}
  #events = []; // of that run: [name, data]

  // keys: arm → {label, line}, `line` being its path in the legend; look: what is looked at.
  constructor(slug, keys, look) {
    this.elements = [...document.querySelectorAll(`[data-of="${slug}"]`)];
    this.#places = this.elements.map((element) => {
      const make = async () => {
        const View = await KINDS[element.dataset.view]();
        return (life) => new View(element, keys, look, life);
      };
      const place = new Place(element, make, () => ({ run: this.#run, events: this.#events }));
      whenNear(element, () => place.open());
      return place;
    });
  }

  reset(run) {
    this.#run = run;
    this.#events = [];
    for (const place of this.#places) place.reset(run);
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
    for (const place of this.#places) place.append(name, data);
  }
}
