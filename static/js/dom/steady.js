// What a reader is reading stays where it is while something above it changes. Browsers with scroll
// anchoring see to that themselves; some, older Safaris among them, have none.

const PROBES_APART = 12; // pixels

// From now on the element is at least as high as it is now, whatever comes into it.
/** @type {(element: HTMLElement) => void} */
export function holdHeight(element) {
  element.style.minHeight = `${element.offsetHeight}px`;
}

/** @type {(element: HTMLElement) => void} */
export function releaseHeight(element) {
  element.style.minHeight = "";
}

// To be called before `changing` changes; the function that it returns is to be called afterwards.
/** @type {(changing: Element) => () => void} */
export function keepPlace(changing) {
  if (getComputedStyle(document.documentElement).overflowAnchor === "auto") return () => {};
  const edge = firstSeen(changing);
  const before = edge();
  return () => scrollBy({ top: edge() - before, behavior: "instant" });
}

// Where what the window shows first is on the page. What changes is no hold itself, but its end is.
/** @type {(changing: Element) => () => number} */
function firstSeen(changing) {
  for (let y = 1; y < innerHeight; y += PROBES_APART) {
    const element = document.elementFromPoint(innerWidth / 2, y);
    if (!element || (element !== changing && element.contains(changing))) continue;
    /** @type {[Element, "top" | "bottom"]} */
    const [hold, side] = changing.contains(element) ? [changing, "bottom"] : [element, "top"];
    return () => hold.getBoundingClientRect()[side] + scrollY;
  }
  return () => 0;
}
