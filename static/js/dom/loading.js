// Loads what the page doesn't need at first: modules, libraries, recordings. Each is loaded once;
// after a failure, the next call tries again.

const PATIENCE_MS = 12_000; // a request that is silent for so long has failed
const GONE = [404, 410]; // what the server answers where a newer version has other addresses
const SCRIPT = /\b(javascript|ecmascript)\b/;
const IMPORTS = /^(?:import|export)\b[^"';(]*"(\.[^"]+)"/gm;

export class LoadError extends Error {
  // updated: the server no longer has this file, since it serves a newer version of the page.
  /**
   * @param {string} url
   * @param {{ updated?: boolean, cause?: unknown }} options
   */
  constructor(url, { updated = false, cause } = {}) {
    super(`${url} did not load`, { cause });
    this.updated = updated;
  }
}

/** @type {Map<string, Promise<any>>} */
const loading = new Map(); // address → promise
/** @type {Map<string, number>} */
const failures = new Map(); // address of a module → how many imports have failed

/** @type {(url: string, load: () => Promise<any>) => Promise<any>} */
function once(url, load) {
  const known = loading.get(url);
  if (known) return known;
  const promise = load();
  loading.set(url, promise);
  promise.catch(() => loading.delete(url));
  return promise;
}

// read(response): a promise of what is wanted of it.
/** @type {<T>(url: string, read: (response: Response) => Promise<T>, type?: RegExp) => Promise<T>} */
async function fetched(url, read, type = /./) {
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), PATIENCE_MS);
  try {
    const response = await fetch(url, { signal: giveUp.signal });
    if (!response.ok) throw new LoadError(url, { updated: GONE.includes(response.status) });
    // A hotel's login page answers 200, too.
    if (!type.test(response.headers.get("Content-Type") ?? "")) throw new LoadError(url);
    return await read(response);
  } catch (cause) {
    throw cause instanceof LoadError ? cause : new LoadError(url, { cause });
  } finally {
    clearTimeout(timer);
  }
}

/** @type {NodeListOf<HTMLLinkElement>} */
const preloads = document.querySelectorAll("link[rel=modulepreload]");

// The page itself came with these, so that they need no second look.
/** @type {Set<string>} */
const present = new Set([...preloads].map(({ href }) => href));

/** @type {(url: string, seen: Set<string>) => Promise<void>} */
async function fetchGraph(url, seen) {
  if (seen.has(url) || present.has(url)) return;
  seen.add(url);
  const text = await fetched(url, (response) => response.text(), SCRIPT);
  await Promise.all([...text.matchAll(IMPORTS)].map(([, path]) => fetchGraph(new URL(path, url).href, seen)));
}

// Firefox remembers a failed import for as long as the page lives, that of a module's imports included,
// and WebKit some of them (tried with 153 and 2.50). So all files are fetched first, which nobody
// remembers: the import then finds them in the browser's cache.
/** @type {(url: string) => Promise<any>} */
async function importWhole(url) {
  await fetchGraph(url, new Set());
  const failed = failures.get(url) ?? 0;
  try {
    return await import(failed ? `${url}?again=${failed}` : url);
  } catch (error) {
    failures.set(url, failed + 1);
    throw error;
  }
}

const SCRIPTS = new URL("../", import.meta.url);

// A module, by its path below that of all scripts.
/** @type {(name: string) => Promise<any>} */
export function loadModule(name) {
  const url = new URL(name, SCRIPTS).href;
  return once(url, () => importWhole(url));
}

/** @type {(url: string, isThere: () => unknown) => Promise<void>} */
async function addScript(url, isThere) {
  await fetched(url, (response) => response.text(), SCRIPT);
  await new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = url;
    element.onload = resolve;
    element.onerror = () => reject(new LoadError(url));
    document.head.append(element);
  });
  // A script that can't be run loads all the same.
  if (!isThere()) throw new LoadError(url);
}

// A vendored script; isThere(): whether what it defines can be used.
/** @type {(file: string, isThere: () => unknown) => Promise<void>} */
export function loadScript(file, isThere) {
  const url = new URL(`../vendor/${file}`, SCRIPTS).href;
  return once(url, () => addScript(url, isThere));
}

/** @type {(url: string) => Promise<any>} */
export const loadJson = (url) => fetched(url, (response) => response.json());
