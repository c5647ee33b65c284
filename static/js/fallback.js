// The page comes with the style sheet of readers without scripts. It is put away here, and taken
// out again where the modules can't run: when the page is opened from a disk, when a module is
// missing, blocked or of the wrong type, when a browser can't read its syntax. A classic script,
// for it must run then. Where not even this one runs, the style sheet stays.
(() => {
  const { dataset } = document.documentElement;
  const sheet = document.getElementById("without-scripts");
  const isModule = (element) => element instanceof HTMLScriptElement && element.type === "module";

  delete dataset.started; // a copy that was saved from a living page has it
  sheet.media = "(scripting: none)";
  const giveUp = () => "started" in dataset || (sheet.media = "all");

  // A module of the graph could not be had. The event doesn't bubble.
  document.addEventListener("error", ({ target }) => isModule(target) && giveUp(), true);
  // Whatever else has kept article.js from starting: it runs before this event or never.
  addEventListener("load", giveUp);
})();
