// What the server refused, in words for a reader.
import { words } from "../text/words.js";

// From htmx's context of a request: the fields that were wrong, each with its message, and one text.
export function problemOf({ text, response }) {
  let problem = {};
  try {
    problem = JSON.parse(text);
  } catch {
    // a proxy's page, say: the status is all that we know
  }
  const detail = problem.detail ?? words.problem.answered(response);
  return { errors: problem.errors ?? [], text: detail + again(response.headers.get("Retry-After")) };
}

function again(seconds) {
  if (!seconds) return "";
  if (seconds < 120) return ` ${words.problem.againInSeconds({ seconds })}`;
  return ` ${words.problem.againInMinutes({ minutes: Math.ceil(seconds / 60) })}`;
}
