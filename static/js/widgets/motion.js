// A move that takes a moment, so that the eye can follow; none where the reader wants none.
const DURATION_MS = 900;

const reduced = matchMedia("(prefers-reduced-motion: reduce)");

/** @type {(share: number) => number} */
const eased = (share) => (share < 0.5 ? 4 * share ** 3 : 1 - (2 - 2 * share) ** 3 / 2);

export class Motion {
  #frame = 0;
  /** @type {((share: number) => void) | null} */
  #step = null;

  // Calls step(share) once a frame, share going from 0 to exactly 1. A move that was under way is
  // left where it is.
  /** @type {(step: (share: number) => void) => void} */
  start(step) {
    cancelAnimationFrame(this.#frame);
    if (reduced.matches) {
      step(1);
      return;
    }
    this.#step = step;
    /** @type {number | null} */
    let began = null;
    /** @type {(now: number) => void} */
    const tick = (now) => {
      began ??= now;
      const share = (now - began) / DURATION_MS;
      if (share >= 1) {
        this.finish();
        return;
      }
      step(eased(share));
      this.#frame = requestAnimationFrame(tick);
    };
    this.#frame = requestAnimationFrame(tick);
  }

  // Ends a move at once, at its end.
  finish() {
    cancelAnimationFrame(this.#frame);
    const step = this.#step;
    this.#step = null;
    step?.(1);
  }
}
