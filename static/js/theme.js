// Runs before the first paint, so that a reader's choice of theme doesn't flash.
(() => {
  try {
    const script = /** @type {HTMLScriptElement} */ (document.currentScript);
    const prefix = new URL("../../../", script.src).pathname.slice(1); // as storage.js has it
    const choice = localStorage.getItem(`${prefix}theme`);
    if (choice === "light" || choice === "dark") document.documentElement.dataset.theme = choice;
  } catch {
    // Cookies are blocked, and nothing was kept.
  }
})();
