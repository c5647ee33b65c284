// What is written while points come, and no faster than it can be read: to lay such words out takes
// as long as to draw a chart.
const READABLE_MS = 100;

export class Pace {
  /** @type {() => void} */
  #write;
  /** @type {ReturnType<typeof setTimeout> | 0} */
  #timer = 0;

  /** @param {() => void} write */
  constructor(write) {
    this.#write = write;
  }

  // Once for all who ask until then.
  soon() {
    this.#timer ||= setTimeout(() => this.now(), READABLE_MS);
  }

  now() {
    this.cancel();
    this.#write();
  }

  cancel() {
    clearTimeout(this.#timer);
    this.#timer = 0;
  }
}
