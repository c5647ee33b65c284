// Where the server is: below whatever path a proxy serves it, which it may not know itself. This
// module stands four folders below: static, version, js, dom.
const ROOT = new URL("../../../../", import.meta.url);

// The whole address of a path such as "runs/1/events".
export const address = (path) => new URL(path, ROOT).href;

// Where others find the article: the address that the server's settings name, else the one it has here.
export const publicAddress = () => document.querySelector("link[rel=canonical]")?.href ?? address("");
