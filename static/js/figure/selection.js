// What a reader looks at in a figure. All its views follow it.

// A pointer makes a choice for as long as it stays; a press, a key or a slider makes one for good.
// Null is no choice.
/** @template T */
export class Choice extends EventTarget {
  /** @type {T | null} */
  #passing = null;
  /** @type {T | null} */
  #held = null;

  get value() {
    return this.#passing ?? this.#held;
  }

  get held() {
    return this.#held;
  }

  /** @type {(value: T | null) => void} */
  pass(value) {
    this.#become(value, this.#held);
  }

  /** @type {(value: T | null) => void} */
  hold(value) {
    this.#become(this.#passing, value);
  }

  // Of both kinds: a pointer that has rested since another run was shown chooses nothing in this one.
  clear() {
    this.#become(null, null);
  }

  /** @type {(value: T) => void} */
  toggle(value) {
    this.hold(value === this.#held ? null : value);
  }

  /** @type {(passing: T | null, held: T | null) => void} */
  #become(passing, held) {
    if (passing === this.#passing && held === this.#held) return;
    [this.#passing, this.#held] = [passing, held];
    this.dispatchEvent(new Event("change"));
  }
}

export class Look {
  /** @type {Choice<string>} */
  arm = new Choice(); // all others are drawn faintly
  /** @type {Choice<string>} */
  run = new Choice(); // a pinned one, likewise
  /** @type {Map<string, Choice<number>>} */
  #places = new Map();

  // A place on the axis of that title, which all charts with that axis share.
  /** @type {(axis: string) => Choice<number>} */
  along(axis) {
    const place = this.#places.get(axis) ?? new Choice();
    this.#places.set(axis, place);
    return place;
  }

  // Of which none is the newest.
  get step() {
    return this.along("training step");
  }
}
