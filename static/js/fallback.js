// The page comes with the style sheet of readers without scripts. It is put away here, and taken
// out again where the modules can't run: when the page is opened from a disk, when a script is
// missing, blocked or of the wrong type, when a browser can't read its syntax or lacks what it uses.
// A classic script, for it must run then. Where not even this one runs, the style sheet stays.
(() => {
  // What figures and widgets can't do without. Browsers from before 2022 lack some of it.
  const NEEDED = [
    ...["AbortController", "CSS.escape", "CustomEvent", "EventSource", "FormData", "Intl.DateTimeFormat"],
    ...["Intl.NumberFormat", "IntersectionObserver", "MediaQueryList.prototype.addEventListener"],
    ...["MutationObserver", "ResizeObserver", "URLSearchParams", "fetch", "matchMedia", "performance.now"],
    ...["Array.prototype.at", "Array.prototype.findLastIndex", "Element.prototype.replaceChildren"],
    ...["String.prototype.replaceAll", "reportError"],
  ];

  const { dataset } = document.documentElement;
  const sheet = /** @type {HTMLLinkElement} */ (document.getElementById("without-scripts"));
  /** @type {(element: EventTarget | null) => boolean} */
  const isModule = (element) => element instanceof HTMLScriptElement && element.type === "module";
  /** @type {(owner: any, name: string) => any} */
  const memberOf = (owner, name) => owner && owner[name];
  /** @type {(path: string) => boolean} */
  const isMissing = (path) => path.split(".").reduce(memberOf, window) === undefined;

  delete dataset.started; // a copy that was saved from a living page has it
  delete dataset.lacks;
  sheet.media = "(scripting: none)";
  const giveUp = () => "started" in dataset || (sheet.media = "all");

  const missing = NEEDED.filter(isMissing);
  if (missing.length) {
    dataset.lacks = ""; // article.js does not start
    addEventListener("DOMContentLoaded", () => {
      for (const place of document.querySelectorAll("[data-lacking]")) place.textContent = missing.join(", ");
    });
  }

  // A module of the graph could not be had. The event doesn't bubble.
  document.addEventListener("error", ({ target }) => isModule(target) && giveUp(), true);
  // Whatever else has kept article.js from starting: it runs before this event or never.
  addEventListener("load", giveUp);
})();
