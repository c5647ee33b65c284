// What the server refused, in words for a reader.
import { words } from "../text/words.js";

/** @typedef {{ field: string, message: string }} FieldError */

// From htmx's context of a request: the fields that were wrong, each with its message, and one text.
/** @type {(context: { text: string, response: Response }) => { errors: FieldError[], text: string }} */
export function problemOf({ text, response }) {
  /** @type {{ detail?: string, errors?: FieldError[] }} */
  let problem = {};
  try {
    problem = JSON.parse(text);
  } catch {
    // a proxy's page, say: the status is all that we know
  }
  const detail = problem.detail ?? words.problem.answered(response);
  return { errors: problem.errors ?? [], text: detail + again(Number(response.headers.get("Retry-After"))) };
}

/** @type {(seconds: number) => string} */
function again(seconds) {
  if (!seconds) return "";
  if (seconds < 120) return ` ${words.problem.againInSeconds({ seconds })}`;
  return ` ${words.problem.againInMinutes({ minutes: Math.ceil(seconds / 60) })}`;
}
