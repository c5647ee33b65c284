// What stands in the place of something that failed: a sentence, and a button that tries again.
import { words } from "../text/words.js";

// A new element. Without tryAgain(), or where the server has a newer version of the page, nothing but a
// reload helps.
/** @type {(text: string, error: { updated?: boolean }, tryAgain?: () => void) => HTMLElement} */
export function trouble(text, error, tryAgain) {
  const updated = Boolean(error.updated);
  const box = document.createElement("div");
  box.className = "trouble";
  box.dataset.trouble = "";
  const said = document.createElement("p");
  said.setAttribute("role", "status");
  said.textContent = updated ? words.views.updated : text;
  const choices = document.createElement("p");
  // Of a script with an error in it browsers keep what they have: there a reload helps.
  choices.append(button(words.views.reload, () => location.reload()));
  if (tryAgain && !updated) {
    const retry = button(words.views.tryAgain, () => {
      retry.disabled = true;
      tryAgain();
    });
    choices.prepend(retry, " ");
  }
  box.append(said, choices);
  return box;
}

/** @type {(text: string, act: () => void) => HTMLButtonElement} */
function button(text, act) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "quiet";
  element.textContent = text;
  element.addEventListener("click", act);
  return element;
}
