// The comments: htmx loads and posts them; this counts characters, says what was refused, and
// leads to the comment that was just written.
import { count } from "../text/numbers.js";
import { problemOf } from "../dom/problem.js";
import { words } from "../text/words.js";

// As the server counts: code points, not the UTF-16 units of `length`.
/** @type {(text: string) => number} */
const lengthOf = (text) => [...text.trim()].length;

export class Comments {
  /** @type {HTMLElement} */
  #element;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
    element.addEventListener("input", (event) => this.#count(/** @type {HTMLInputElement} */ (event.target)));
    element.addEventListener("htmx:before:request", () => this.#begin());
    element.addEventListener("htmx:response:error", (event) => this.#refused(event.detail.ctx));
    element.addEventListener("htmx:error", () => this.#say(words.problem.noAnswer));
    element.addEventListener("htmx:after:swap", () => this.#show());
  }

  #show() {
    const hasNone = this.#element.querySelector(".comment") === null;
    this.#element.closest("section")?.toggleAttribute("data-uncommented", hasNone);
    this.#element.querySelector("[data-new]")?.focus();
  }

  /** @type {(field: HTMLInputElement) => void} */
  #count(field) {
    const max = Number(field.dataset.max);
    if (!max) return;
    const length = lengthOf(field.value);
    const told = this.#element.querySelector("[data-count]");
    told.textContent = length ? words.comments.soFar({ count: count(length) }) : "";
    told.toggleAttribute("data-over", length > max);
  }

  #begin() {
    this.#say("");
    this.#element.querySelectorAll("[aria-invalid]").forEach((field) => field.removeAttribute("aria-invalid"));
  }

  /** @type {(ctx: any) => void} */
  #refused(ctx) {
    const { errors, text } = problemOf(ctx);
    const said = [];
    for (const { field, message } of errors) {
      /** @type {HTMLInputElement | null} */
      const input = this.#element.querySelector(`[name="${CSS.escape(field)}"]`);
      if (!input) continue;
      input.setAttribute("aria-invalid", "true");
      const label = input.labels?.[0].textContent;
      if (said.push(words.comments.field({ label, message })) === 1) input.focus();
    }
    this.#say(said.join(" ") || text);
  }

  /** @type {(text: string) => void} */
  #say(text) {
    this.#element.querySelector("[data-error]").textContent = text;
  }
}
