// Brings the page to life: the theme switch, and one Figure or widget for each element that asks
// for one.
import { Comments } from "./comments.js";
import { Figure } from "./figure.js";
import { Batch } from "./widgets/batch.js";
import { TrainOrTest } from "./widgets/train-or-test.js";

const dark = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  const { theme } = document.documentElement.dataset;
  return theme ? theme === "dark" : dark.matches;
}

function startThemeSwitch(button) {
  const show = () => {
    button.textContent = isDark() ? "Light page" : "Dark page";
    dispatchEvent(new Event("themechange"));
  };
  button.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    localStorage.setItem("theme", theme);
    show();
  });
  dark.addEventListener("change", show);
  button.hidden = false;
  show();
}

document.querySelectorAll("[data-theme-switch]").forEach(startThemeSwitch);
document.querySelectorAll("[data-figure]").forEach((element) => new Figure(element));
document.querySelectorAll("[data-comments]").forEach((element) => new Comments(element));
document.querySelectorAll("[data-widget=batch]").forEach((element) => new Batch(element));
document.querySelectorAll("[data-widget=train-or-test]").forEach((element) => new TrainOrTest(element));
