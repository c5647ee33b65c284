// Brings the page to life: the theme switch, the citations' card, and one Figure or widget for each
// element that asks for one.
import { Citations } from "./page/citations.js";
import { Comments } from "./page/comments.js";
import { Copy } from "./page/copy.js";
import { Figure } from "./figure/figure.js";
import { guarded } from "./dom/frame.js";
import { Lipschitz } from "./widgets/lipschitz.js";
import { Live } from "./figure/live.js";
import { loadModule } from "./dom/loading.js";
import { Replay } from "./figure/replay.js";
import { local } from "./dom/storage.js";
import { Sweep } from "./figure/sweep.js";
import { trouble } from "./dom/trouble.js";
import { words } from "./text/words.js";
import { Batch } from "./widgets/batch.js";
import { Bowl } from "./widgets/bowl.js";
import { TrainOrTest } from "./widgets/train-or-test.js";

/** @typedef {import("./dom/loading.js").LoadError} LoadError */

// In plain files no server trains.
const replays = "replays" in document.documentElement.dataset;

const dark = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  const { theme } = document.documentElement.dataset;
  return theme ? theme === "dark" : dark.matches;
}

/** @type {(button: HTMLElement) => void} */
function startThemeSwitch(button) {
  const show = () => {
    button.textContent = isDark() ? words.article.lightPage : words.article.darkPage;
    /** @type {NodeListOf<HTMLSourceElement>} */
    const sources = document.querySelectorAll("picture > source");
    for (const source of sources) source.media = isDark() ? "all" : "not all";
    document.documentElement.dataset.pictures = isDark() ? "dark" : "light";
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

// What a chart gives to take away is loaded when the first reader's disclosure opens.
/** @type {(details: HTMLElement) => Promise<void>} */
async function showData(details) {
  details.querySelector("[data-trouble]")?.remove();
  try {
    (await loadModule("export/chart-data.js")).show(details);
  } catch (error) {
    details.append(trouble(words.views.notLoaded, /** @type {LoadError} */ (error), () => showData(details)));
  }
}

// One part of the page that fails to start says so in its place, and all others start.
/** @type {(selector: string, start: (element: HTMLElement) => void) => void} */
function startEach(selector, start) {
  for (const element of document.querySelectorAll(selector)) {
    try {
      start(element);
    } catch (error) {
      reportError(error);
      element.dataset.failedToStart = "";
      if (!element.hidden) element.append(trouble(words.views.notStarted, /** @type {LoadError} */ (error)));
    }
  }
}

function start() {
  const Source = replays ? Replay : Live;
  startEach("[data-theme-switch]", startThemeSwitch);
  startEach("[data-figure]", (element) => new Figure(element, Source));
  startEach("[data-sweep]", (element) => new Sweep(element, { trains: !replays }));
  startEach("[data-comments]", (element) => new Comments(element));
  startEach("[data-widget=batch]", (element) => new Batch(element));
  startEach("[data-widget=bowl]", (element) => new Bowl(element));
  startEach("[data-widget=train-or-test]", (element) => new TrainOrTest(element));
  startEach("[data-drawing=lipschitz]", (element) => new Lipschitz(element));
  startEach("[data-copy]", (element) => new Copy(element));
  guarded(() => new Citations(document.querySelectorAll(".cite")))();
  document.addEventListener(
    "toggle",
    ({ target }) => {
      if (target instanceof HTMLElement && target.matches(".chart-data")) showData(target);
    },
    true,
  );
}

// Else fallback.js has the page stand still. If it has done so already, over the words of the page's
// language, without which the page can do, that is undone.
if ((replays || window.htmx) && !("lacks" in document.documentElement.dataset)) {
  start();
  document.documentElement.dataset.started = "";
  /** @type {HTMLLinkElement} */ (document.getElementById("without-scripts")).media = "(scripting: none)";
}
