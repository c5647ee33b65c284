// Where the server is: below whatever path a proxy serves it, which it may not know itself. This
// module stands three folders below: static, version, js.
const ROOT = new URL("../../../", import.meta.url);

// The whole address of a path such as "runs/1/events".
export const address = (path) => new URL(path, ROOT).href;
