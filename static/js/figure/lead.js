// The slider beside Train: its number follows, and where it is left, the figure trains.
import { localised } from "../text/numbers.js";

// On a keyboard each press is a change: the reader may be on the way to another value.
const PAUSE_MS = 600;

// panel: the element that slider and form stand in, and are replaced in; train(form) is called.
/** @type {(panel: HTMLElement, train: (form: HTMLFormElement) => void) => void} */
export function followLead(panel, train) {
  let pressed = false;
  /** @type {ReturnType<typeof setTimeout> | 0} */
  let timer = 0;
  /** @type {(event: Event) => HTMLInputElement | null} */
  const sliderOf = ({ target }) => /** @type {Element} */ (target).closest("[data-lead]");

  panel.addEventListener("keydown", (event) => {
    if (sliderOf(event)) pressed = true;
  });
  panel.addEventListener("pointerdown", () => (pressed = false));
  panel.addEventListener("input", (event) => {
    const slider = sliderOf(event);
    if (slider) panel.querySelector(`output[for="${slider.id}"]`).textContent = localised(slider.value);
  });
  panel.addEventListener("change", (event) => {
    const slider = sliderOf(event);
    if (!slider) return;
    clearTimeout(timer);
    timer = setTimeout(() => slider.isConnected && slider.form && train(slider.form), pressed ? PAUSE_MS : 0);
  });
}
