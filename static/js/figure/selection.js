// What a reader looks at in a figure. All its views follow it.

// A pointer makes a choice for as long as it stays; a press, a key or a slider makes one for good.
// Null is no choice.
export class Choice extends EventTarget {
  #passing = null;
  #held = null;

  get value() {
    return this.#passing ?? this.#held;
  }

  get held() {
    return this.#held;
  }

  pass(value) {
    this.#become(value, this.#held);
  }

  hold(value) {
    this.#become(this.#passing, value);
  }

  // Of both kinds: a pointer that has rested since another run was shown chooses nothing in this one.
  clear() {
    this.#become(null, null);
  }

  toggle(value) {
    this.hold(value === this.#held ? null : value);
  }

  #become(passing, held) {
    if (passing === this.#passing && held === this.#held) return;
    [this.#passing, this.#held] = [passing, held];
    this.dispatchEvent(new Event("change"));
  }
}

export class Look {
  arm = new Choice(); // all others are drawn faintly
  run = new Choice(); // a pinned one, likewise
  #places = new Map();

  // A place on the axis of that title, which all charts with that axis share.
  along(axis) {
    if (!this.#places.has(axis)) this.#places.set(axis, new Choice());
    return this.#places.get(axis);
  }

  // Of which none is the newest.
  get step() {
    return this.along("training step");
  }
}
