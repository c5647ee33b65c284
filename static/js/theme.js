// Runs before the first paint, so that a reader's choice of theme doesn't flash.
(() => {
  const choice = localStorage.getItem("theme");
  if (choice === "light" || choice === "dark") document.documentElement.dataset.theme = choice;
})();
