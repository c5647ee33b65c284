// What a browser keeps for the page. It may keep nothing (cookies blocked, no room left), and others may
// have written what we read: nothing here throws, and the page works without. A browser keeps one storage
// for all servers at one origin, each below its own path: the path is part of every key.
import { address } from "./address.js";

// Nothing at the origin itself, else such as "proxy/8000/". theme.js does the same.
const PREFIX = new URL(address("")).pathname.slice(1);

class Kept {
  /** @type {"localStorage" | "sessionStorage"} */
  #name;

  // name: of the property of the window. Merely to ask for it throws where cookies are blocked.
  /** @param {"localStorage" | "sessionStorage"} name */
  constructor(name) {
    this.#name = name;
  }

  // A text; null where there is none.
  /** @type {(key: string) => string | null} */
  get(key) {
    return this.#try((storage) => storage.getItem(PREFIX + key)) ?? null;
  }

  // An older text doesn't stay where the newer one finds no room.
  /** @type {(key: string, text: string) => void} */
  set(key, text) {
    const done = this.#try((storage) => {
      storage.setItem(PREFIX + key, text);
      return true;
    });
    if (!done) this.remove(key);
  }

  /** @type {(key: string) => void} */
  remove(key) {
    this.#try((storage) => storage.removeItem(PREFIX + key));
  }

  // Calls changed(text) when another tab has written there.
  /** @type {(key: string, changed: (text: string | null) => void) => void} */
  watch(key, changed) {
    addEventListener("storage", (event) => event.key === PREFIX + key && changed(event.newValue));
  }

  /** @type {<T>(act: (storage: Storage) => T) => T | null} */
  #try(act) {
    try {
      return act(window[this.#name]);
    } catch {
      return null;
    }
  }
}

export const local = new Kept("localStorage");
export const session = new Kept("sessionStorage");

// The list in a text of JSON, without what fits(entry) refuses; empty where the text is no such list.
/** @type {(text: string | null, fits: (entry: any) => boolean) => any[]} */
export function listIn(text, fits) {
  try {
    const list = JSON.parse(text ?? "");
    return Array.isArray(list) ? list.filter((entry) => typeof entry === "object" && entry !== null && fits(entry)) : [];
  } catch {
    return [];
  }
}
