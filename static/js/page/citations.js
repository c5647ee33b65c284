// The card that a citation opens, with its entry from the list of references: by pointer after a
// moment, by keyboard at once, by touch at the first tap. Without it a citation is a link to the list.
import { words } from "../text/words.js";

const OPENS_AFTER_MS = 150;
const CLOSES_AFTER_MS = 250; // time enough to move into the card
const GAP = 6; // pixels between citation and card
const MARGIN = 16; // and between card and window

/** @typedef {{ width: number, height: number }} Size */

// Where a card goes, in the coordinates of the window: below its citation, above where that is too
// low, and never past a side. `anchor` is a DOMRect; `card` and `view` have a width and a height.
/** @type {(anchor: { left: number, width: number, top: number, bottom: number }, card: Size, view: Size) => { left: number, top: number }} */
export function place(anchor, card, view) {
  const centred = anchor.left + (anchor.width - card.width) / 2;
  const left = Math.max(MARGIN, Math.min(centred, view.width - MARGIN - card.width));
  const below = anchor.bottom + GAP;
  const above = anchor.top - GAP - card.height;
  const isTooLow = below + card.height > view.height - MARGIN;
  return { left, top: isTooLow && above >= MARGIN ? above : below };
}

export class Citations {
  #card = document.createElement("span");
  /** @type {HTMLElement | null} */
  #link = null; // whose card is open
  /** @type {ReturnType<typeof setTimeout> | 0} */
  #timer = 0;

  /** @param {NodeListOf<HTMLElement>} links */
  constructor(links) {
    if (!("popover" in this.#card)) return;
    this.#card.className = "card";
    this.#card.popover = "manual";
    this.#card.role = "group";
    this.#card.addEventListener("pointerenter", () => clearTimeout(this.#timer));
    this.#card.addEventListener("pointerleave", () => this.#closeSoon());
    this.#card.addEventListener("focusout", (event) => this.#closeUnlessEntering(event));
    links.forEach((link) => this.#attach(link));
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#dismiss();
    });
    document.addEventListener("pointerdown", (event) => {
      const target = /** @type {Node} */ (event.target);
      if (!this.#card.contains(target) && !this.#link?.contains(target)) this.#close();
    });
    addEventListener("resize", () => this.#place());
  }

  /** @type {(link: HTMLElement) => void} */
  #attach(link) {
    link.addEventListener("pointerenter", ({ pointerType }) => {
      if (pointerType !== "touch") this.#openSoon(link);
    });
    link.addEventListener("pointerleave", () => this.#closeSoon());
    link.addEventListener("focus", () => {
      if (link.matches(":focus-visible")) this.#open(link);
    });
    link.addEventListener("blur", (event) => this.#closeUnlessEntering(event));
    link.addEventListener("click", (event) => {
      // A finger can't hover. Its second tap follows the link, as any click does.
      if (event.pointerType === "touch" && this.#link !== link) {
        event.preventDefault();
        this.#open(link);
      } else {
        this.#close();
      }
    });
  }

  /** @type {(link: HTMLElement) => void} */
  #openSoon(link) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // The keyboard is in there.
      if (!this.#card.matches(":focus-within")) this.#open(link);
    }, OPENS_AFTER_MS);
  }

  /** @type {(link: HTMLElement) => void} */
  #open(link) {
    clearTimeout(this.#timer);
    if (this.#link === link) return;
    this.#close();
    this.#link = link;
    link.dataset.open = "";
    const entry = document.getElementById(link.getAttribute("aria-describedby") ?? "");
    this.#card.replaceChildren(...[...(entry?.children ?? [])].map((child) => child.cloneNode(true)));
    this.#card.ariaLabel = words.citations.reference({ number: link.textContent });
    link.after(this.#card); // so that Tab goes from the citation into its card
    this.#card.showPopover();
    this.#place();
  }

  // In the coordinates of the page, so that the card scrolls with its citation.
  #place() {
    if (this.#link === null) return;
    const { clientWidth: width, clientHeight: height } = document.documentElement;
    const [anchor, card] = [this.#link, this.#card].map((element) => element.getBoundingClientRect());
    const { left, top } = place(anchor, card, { width, height });
    this.#card.style.left = `${left + scrollX}px`;
    this.#card.style.top = `${top + scrollY}px`;
  }

  #closeSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const keeps = this.#card.matches(":focus-within") || this.#link?.matches(":focus-visible");
      if (!keeps) this.#close();
    }, CLOSES_AFTER_MS);
  }

  /** @type {(event: FocusEvent) => void} */
  #closeUnlessEntering({ relatedTarget }) {
    if (!this.#card.contains(/** @type {Node | null} */ (relatedTarget)) && relatedTarget !== this.#link) this.#close();
  }

  #dismiss() {
    if (this.#card.matches(":focus-within")) this.#link?.focus();
    this.#close();
  }

  #close() {
    clearTimeout(this.#timer);
    if (this.#link === null) return;
    delete this.#link.dataset.open;
    this.#link = null;
    if (this.#card.matches(":popover-open")) this.#card.hidePopover();
  }
}
