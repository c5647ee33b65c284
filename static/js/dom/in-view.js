// How far outside the window something begins to count as near, so that it is drawn in time.
const MARGIN = "900px 0px";

// Calls `then` once, when the element comes near the window. One that has no box, in a closed
// <details> say, isn't near anything.
/** @type {(element: Element, then: () => void) => void} */
export function whenNear(element, then) {
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      then();
    },
    { rootMargin: MARGIN },
  );
  observer.observe(element);
}

// Whether the element has a box. In some browsers it has one inside a closed <details>, too.
/** @type {(element: Element) => boolean} */
export function isVisible(element) {
  if (element.checkVisibility) return element.checkVisibility();
  return element.getClientRects().length > 0 && !element.closest("details:not([open])");
}
