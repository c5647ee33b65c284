// Runs before the first paint, so that a reader's choice of theme doesn't flash.
(() => {
  try {
    const choice = localStorage.getItem("theme");
    if (choice === "light" || choice === "dark") document.documentElement.dataset.theme = choice;
  } catch {
    // Cookies are blocked, and nothing was kept.
  }
})();
