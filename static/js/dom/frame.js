/** @typedef {{ signal: AbortSignal, failed: (error: unknown) => void }} Life */

// `act`, which a view does later than when it is called, with what it throws taken to failed(error).
/** @type {(act: () => void, life?: Partial<Life>) => () => void} */
export function guarded(act, { failed = reportError } = {}) {
  return () => {
    try {
      act();
    } catch (error) {
      failed(error);
    }
  };
}

// Draws at most once a frame, however often it is asked to.
export class Frame {
  #id = 0;
  /** @type {() => void} */
  #draw;
  /** @type {AbortSignal | undefined} */
  #signal;

  // life: that of a view, {signal, failed}; nothing is drawn after the signal.
  /**
   * @param {() => void} draw
   * @param {Partial<Life>} life
   */
  constructor(draw, life = {}) {
    this.#draw = guarded(draw, life);
    this.#signal = life.signal;
    life.signal?.addEventListener("abort", () => cancelAnimationFrame(this.#id));
  }

  soon() {
    if (this.#signal?.aborted) return;
    this.#id ||= requestAnimationFrame(() => {
      this.#id = 0;
      this.#draw();
    });
  }
}
