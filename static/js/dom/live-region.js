// What live regions say: each one message in some seconds, the newest, so that who listens gets a
// word in.
const APART_MS = 3000;

/**
 * @typedef {{ textContent: string | null }} Region
 * @typedef {{ said: number, next: string, timer: ReturnType<typeof setTimeout> | 0 }} State
 */

/** @type {WeakMap<Region, State>} */
const regions = new WeakMap(); // region → {said, next, timer}

/** @type {(region: Region, text: string, apart?: number) => void} */
export function say(region, text, apart = APART_MS) {
  const state = regions.get(region) ?? { said: -Infinity, next: "", timer: 0 };
  regions.set(region, state);
  state.next = text;
  state.timer ||= setTimeout(
    () => {
      state.timer = 0;
      state.said = performance.now();
      if (region.textContent !== state.next) region.textContent = state.next;
    },
    Math.max(0, state.said + apart - performance.now()),
  );
}

// Says what a widget shows from the reader's first act in it on: nothing speaks up by itself.
export class Answers {
  /** @type {Element} */
  #region;
  /** @type {number} */
  #apart;
  #asked = false;

  // element: the widget; its [data-answer] is the live region.
  /**
   * @param {Element} element
   * @param {number} apart
   */
  constructor(element, apart = APART_MS) {
    this.#region = element.querySelector("[data-answer]");
    this.#apart = apart;
    for (const act of ["click", "input", "keydown"]) {
      element.addEventListener(act, () => (this.#asked = true), { capture: true, once: true });
    }
  }

  /** @type {(text: string) => void} */
  say(text) {
    if (this.#asked) say(this.#region, text, this.#apart);
  }
}
