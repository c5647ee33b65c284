// All views of one figure's run, wherever on the page they stand. A view is made when it comes near
// the window, and then given what it has missed.
import { chartLibrary, contourLibrary } from "../dom/libraries.js";
import { loadModule } from "../dom/loading.js";
import { whenNear } from "../dom/in-view.js";
import { Place } from "./place.js";

// Each kind of view: its module, whose `View` is the class, and the library that this draws with;
// and what draws it on paper, which can't be waited for once a reader prints.
// A view has two verbs, reset(run) and append(event).
const KINDS = {
  chart: { module: "charts/chart.js", library: chartLibrary, paper: "export/printing.js" },
  histogram: { module: "charts/histogram.js" },
  scrubber: { module: "charts/scrubber.js" },
  surface: { module: "charts/surface.js", library: contourLibrary },
};

async function load({ module, library, paper }) {
  if (paper) loadModule(paper).catch(() => {});
  const [{ View }] = await Promise.all([loadModule(module), library?.()]);
  return View;
}

export class Views {
  #places;
  #run = null; // {seed, seeds, steps, levels, singles, pins, recorded}
  #events = []; // of that run: {event, data}, as on the wire

  // keys: arm → {label, line}, `line` being its path in the legend; look: what is looked at.
  constructor(slug, keys, look) {
    this.elements = [...document.querySelectorAll(`[data-of="${slug}"]`)];
    this.#places = this.elements.map((element) => {
      const make = async () => {
        const View = await load(KINDS[element.dataset.view]);
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
    for (const event of events) this.append(event);
  }

  append(event) {
    this.#events.push(event);
    for (const place of this.#places) place.append(event);
  }
}
