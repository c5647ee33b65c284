// Where the server is: below whatever path a proxy serves it, which it may not know itself. This
// module stands four folders below: static, version, js, dom.
const ROOT = new URL("../../../../", import.meta.url);

// The whole address of a path such as "runs/1/events".
/** @type {(path: string) => string} */
export const address = (path) => new URL(path, ROOT).href;

/** @type {() => HTMLLinkElement | null} */
const canonical = () => document.querySelector("link[rel=canonical]");

// Where others find the article: the address that the server's settings name, else the one it has here.
/** @type {() => string} */
export const publicAddress = () => canonical()?.href ?? address("");
