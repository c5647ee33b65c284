// What the server refused, in words for a reader.

export const NO_ANSWER = "The server doesn’t answer. Try again in a moment.";

// From htmx's context of a request: the fields that were wrong, each with its message, and one text.
export function problemOf({ text, response }) {
  let problem = {};
  try {
    problem = JSON.parse(text);
  } catch {
    // a proxy's page, say: the status is all that we know
  }
  return {
    errors: problem.errors ?? [],
    text: (problem.detail ?? `The server answered ${response.status}.`) + again(response.headers.get("Retry-After")),
  };
}

function again(seconds) {
  if (!seconds) return "";
  return ` Try again in ${seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} minutes`}.`;
}
