// What a figure shows, in words: which run, with which settings, and where it may be found again.
import { words } from "../text/words.js";

const ENDED = ["recorded", "finished"];

export class Shown {
  /** @type {HTMLElement} */
  #figure;

  // view: an element that is of a figure, [data-of], wherever it stands.
  /** @param {HTMLElement} view */
  constructor(view) {
    this.#figure = document.querySelector(`[data-figure="${view.dataset.of}"]`);
  }

  /** @type {string} */
  get slug() {
    return this.#figure.dataset.figure;
  }

  // "seed 7", or "seeds 7 to 16".
  /** @type {string} */
  get seeds() {
    const [first, count] = [Number(this.#run.seed), Number(this.#run.seeds)];
    return count > 1 ? words.shown.seeds({ first, last: first + count - 1 }) : words.shown.seed({ seed: first });
  }

  /** @type {boolean} */
  get several() {
    return Number(this.#run.seeds) > 1;
  }

  // What the lines are, where there are several seeds or pinned runs.
  /** @type {string} */
  get lines() {
    const runs = [...this.#figure.querySelectorAll("[data-pins] [role=button]")].map(({ textContent }) => textContent);
    const bands = this.several ? this.#figure.querySelector("[data-lines]").textContent : "";
    return [bands, runs.length ? words.shown.behind({ runs }) : ""].filter(Boolean).join(" ");
  }

  // What a file about it is called, without its ending.
  /** @type {string} */
  get fileName() {
    return `${this.slug}-${this.seeds.replaceAll(" ", "-")}`;
  }

  // Sentences that say where it comes from.
  /** @type {string[]} */
  get source() {
    const { settings, link, recorded } = this.#run;
    const title = document.querySelector("h1").textContent;
    const partial = !ENDED.includes(this.#figure.dataset.state);
    const origin = link ? new URL(link, location.href).href : words.shown.recorded({ date: recorded });
    return [words.shown.source({ title, slug: this.slug, seeds: this.seeds, settings, partial }), origin];
  }

  /** @type {DOMStringMap} */
  get #run() {
    const panel = this.#figure.querySelector("[data-panel]");
    return /** @type {HTMLElement} */ (panel.firstElementChild).dataset;
  }
}
