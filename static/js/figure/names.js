// Words that name a curve, made a button: to point at them or to reach them by keyboard shows the
// curve, the others step back; a press keeps it so until the next one.

/**
 * @typedef {object} Curve
 * @property {import("./selection.js").Choice<string>} choice
 * @property {string} value
 * @property {HTMLElement} [around]
 * @property {HTMLElement | null} [figure]
 */

// `choice` gets `value`. `around`: what may be pointed at, if more than the words; `figure`: where
// the curve is, if that may be out of sight.
/** @type {(words: HTMLElement, curve: Curve) => void} */
export function nameCurve(words, { choice, value, around = words, figure = null }) {
  Object.assign(words, { role: "button", tabIndex: 0, ariaPressed: "false" });
  const press = () => {
    choice.toggle(value);
    if (choice.held === value) figure?.querySelector(".legend").scrollIntoView({ block: "nearest" });
  };
  around.addEventListener("pointerenter", ({ pointerType }) => pointerType === "mouse" && choice.pass(value));
  around.addEventListener("pointerleave", () => choice.pass(null));
  words.addEventListener("focus", () => words.matches(":focus-visible") && choice.pass(value));
  words.addEventListener("blur", () => choice.pass(null));
  around.addEventListener("click", press);
  words.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    press();
  });
  choice.addEventListener("change", () => {
    words.ariaPressed = String(choice.held === value);
    words.toggleAttribute("data-shown", choice.value === value);
  });
}
