// An ordinary request that ends in any case, and what became of it.

// The server answers within a second; a slow network gets its time.
const ANSWER_MS = 12_000;

/** @typedef {{ status: "json", body: any } | { status: "busy", retryAfter: number } | { status: "empty" | "refused" | "other" | "none" }} Answer */

// status: "json", with its body; "empty" (204); "refused", by the server itself and for good;
// "busy", with the seconds after which to come back; "other", where something else answered in the
// server's place; "none", where nothing came.
/** @type {(url: string, options?: { signal?: AbortSignal, cache?: RequestCache }) => Promise<Answer>} */
export async function ask(url, { signal, cache = "default" } = {}) {
  const asking = new AbortController();
  const give = () => asking.abort();
  signal?.addEventListener("abort", give);
  const limit = setTimeout(give, ANSWER_MS);
  try {
    const answer = await fetch(url, { signal: asking.signal, redirect: "manual", cache, headers: { Accept: "application/json" } });
    return await understood(answer);
  } catch {
    return { status: "none" };
  } finally {
    clearTimeout(limit);
    signal?.removeEventListener("abort", give);
  }
}

/** @type {(answer: Response) => Promise<Answer>} */
async function understood(answer) {
  if (answer.status === 204) return { status: "empty" };
  const kind = answer.headers.get("Content-Type") ?? "";
  if (answer.ok) {
    // A proxy may call it something else, as long as it is JSON.
    const body = await answer.json().catch((error) => (error instanceof SyntaxError ? null : Promise.reject(error)));
    return body === null || typeof body !== "object" ? { status: "other" } : { status: "json", body };
  }
  const retryAfter = Number(answer.headers.get("Retry-After")) || 0;
  if (answer.status === 429 || answer.status >= 500) return { status: "busy", retryAfter };
  return { status: kind.startsWith("application/problem+json") ? "refused" : "other" };
}
