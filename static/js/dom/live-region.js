// What live regions say: each one message in some seconds, the newest, so that who listens gets a
// word in.
const APART_MS = 3000;

const regions = new WeakMap(); // region → {said, next, timer}

export function say(region, text, apart = APART_MS) {
  if (!regions.has(region)) regions.set(region, { said: -Infinity, next: "", timer: 0 });
  const state = regions.get(region);
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
  #region;
  #apart;
  #asked = false;

  // element: the widget; its [data-answer] is the live region.
  constructor(element, apart = APART_MS) {
    this.#region = element.querySelector("[data-answer]");
    this.#apart = apart;
    for (const act of ["click", "input", "keydown"]) {
      element.addEventListener(act, () => (this.#asked = true), { capture: true, once: true });
    }
  }

  say(text) {
    if (this.#asked) say(this.#region, text, this.#apart);
  }
}
