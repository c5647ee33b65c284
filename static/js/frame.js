// Draws at most once a frame, however often it is asked to.
export class Frame {
  #id = 0;
  #draw;
  #failed;
  #signal;

  // life: that of a view, {signal, failed}: nothing is drawn after the signal, and failed(error) is
  // called when `draw` throws.
  constructor(draw, { signal, failed = reportError } = {}) {
    this.#draw = draw;
    this.#failed = failed;
    this.#signal = signal;
    signal?.addEventListener("abort", () => cancelAnimationFrame(this.#id));
  }

  soon() {
    if (this.#signal?.aborted) return;
    this.#id ||= requestAnimationFrame(() => {
      this.#id = 0;
      try {
        this.#draw();
      } catch (error) {
        this.#failed(error);
      }
    });
  }
}
