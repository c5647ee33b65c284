// Brings the page to life: the theme switch, the citations' card, and one Figure or widget for each
// element that asks for one.
import { Citations } from "./citations.js";
import { Comments } from "./comments.js";
import { Copy } from "./copy.js";
import { Figure } from "./figure.js";
import { Lipschitz } from "./lipschitz.js";
import { Live } from "./live.js";
import { loadModule } from "./loading.js";
import { Replay } from "./replay.js";
import { local } from "./storage.js";
import { Sweep } from "./sweep.js";
import { trouble } from "./trouble.js";
import { words } from "./words.js";
import { Batch } from "./widgets/batch.js";
import { Bowl } from "./widgets/bowl.js";
import { TrainOrTest } from "./widgets/train-or-test.js";

// All modules are there: fallback.js has nothing to do. If it gave up over one that the page can do
// without, the words of its language, that is undone.
document.documentElement.dataset.started = "";
document.getElementById("without-scripts").media = "(scripting: none)";

// In plain files no server trains.
const replays = "replays" in document.documentElement.dataset;

const dark = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  const { theme } = document.documentElement.dataset;
  return theme ? theme === "dark" : dark.matches;
}

function startThemeSwitch(button) {
  const show = () => {
    button.textContent = isDark() ? words.article.lightPage : words.article.darkPage;
    dispatchEvent(new Event("themechange"));
  };
  button.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    local.set("theme", theme);
    show();
  });
  dark.addEventListener("change", show);
  button.hidden = false;
  show();
}

document.querySelectorAll("[data-theme-switch]").forEach(startThemeSwitch);
document.querySelectorAll("[data-sweep]").forEach((element) => new Sweep(element, { trains: !replays }));
document.querySelectorAll("[data-comments]").forEach((element) => new Comments(element));
document.querySelectorAll("[data-widget=batch]").forEach((element) => new Batch(element));
document.querySelectorAll("[data-widget=bowl]").forEach((element) => new Bowl(element));
document.querySelectorAll("[data-widget=train-or-test]").forEach((element) => new TrainOrTest(element));
document.querySelectorAll("[data-copy]").forEach((element) => new Copy(element));
new Citations(document.querySelectorAll(".cite"));
document.querySelectorAll("[data-drawing=lipschitz]").forEach((element) => new Lipschitz(element));

// What a chart gives to take away is loaded when the first reader's disclosure opens.
async function showData(details) {
  try {
    (await loadModule("chart-data.js")).show(details);
  } catch (error) {
    const box = trouble(words.views.notLoaded, error, () => showData(details));
    details.querySelector("[data-table]").replaceChildren(box);
  }
}

document.addEventListener("toggle", ({ target }) => target.matches?.(".chart-data") && showData(target), true);

document.querySelectorAll("[data-figure]").forEach((element) => new Figure(element, replays ? Replay : Live));
