// What goes wrong on a page, kept in the tab for WebKit, whose driver has no log of the console.
// Runs before every other script: watched_server.py.
{
  const keep = (text) => {
    const kept = JSON.parse(sessionStorage.getItem("complaints") ?? "[]");
    sessionStorage.setItem("complaints", JSON.stringify([...kept, text]));
  };
  for (const level of ["error", "warn"]) {
    const original = console[level];
    console[level] = (...words) => {
      keep(`console: ${words.join(" ")}`);
      original.apply(console, words);
    };
  }
  addEventListener("error", (event) => {
    if (event.target === window) keep(`exception: ${event.message}`);
    else keep(`not loaded: ${event.target.src ?? event.target.href}`);
  }, true);
  // Then fallback.js gives up, and the page without scripts flashes.
  addEventListener("load", () => {
    if (!("started" in document.documentElement.dataset)) keep("no script had started at the load event");
  });
  addEventListener("unhandledrejection", (event) => keep(`unhandled rejection: ${event.reason}`));
  addEventListener("securitypolicyviolation", (event) =>
    keep(`content policy: ${event.violatedDirective} ${event.blockedURI}`));
}
