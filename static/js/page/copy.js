// A text with a Copy button. Where the clipboard is out of reach, as it is on a page without HTTPS,
// the text is selected instead.
import { publicAddress } from "../dom/address.js";
import { words } from "../text/words.js";

const SAYS_SO_MS = 2500;

// The entry with the article's address as a last field, unless nobody else could reach it there.
/** @type {(bibtex: string, address: URL) => string} */
export function withAddress(bibtex, { href, protocol, hostname }) {
  const isLocal = /^(localhost|.*\.localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
  if (!protocol.startsWith("http") || isLocal) return bibtex;
  return bibtex.replace(/\n}$/, `\n  url = {${href}},\n}`);
}

export class Copy {
  /** @type {HTMLElement} */
  #text;
  /** @type {HTMLElement} */
  #status;
  /** @type {ReturnType<typeof setTimeout> | 0} */
  #timer = 0;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#text = element.querySelector("[data-copy-text]");
    this.#status = element.querySelector("[data-copy-status]");
    this.#text.textContent = withAddress(this.#text.textContent, new URL(publicAddress()));
    const button = element.querySelector("[data-copy-button]");
    button.addEventListener("click", () => this.#copy());
    button.hidden = false;
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.#text.textContent);
      this.#say(words.copy.copied);
    } catch {
      getSelection()?.selectAllChildren(this.#text); // none in a frame that nobody sees
      this.#say(words.copy.selected);
    }
  }

  /** @type {(text: string) => void} */
  #say(text) {
    clearTimeout(this.#timer);
    this.#status.textContent = text;
    this.#timer = setTimeout(() => (this.#status.textContent = ""), SAYS_SO_MS);
  }
}
