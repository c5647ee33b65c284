// Brings the page to life: the theme switch, and one Figure for each element that asks for one.
import { Figure } from "./figure.js";

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
