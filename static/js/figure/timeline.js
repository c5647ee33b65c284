// How far a run has come, counted in training steps; no page in sight.
import { isRowOfMap, trainingOf } from "./run-events.js";

// A point of a map takes about as long as so many training steps.
const STEPS_A_POINT = 2;

// The steps that one row takes of a map with so many rows, which has as many columns.
/** @type {(rows: number) => number} */
export const stepsARow = (rows) => STEPS_A_POINT * rows;

/**
 * @typedef {import("./run-events.js").DrawnEvent} DrawnEvent
 * @typedef {import("./run-events.js").Points} Points
 */

// When each point of a recording comes, `at` going from 0 to 1: all trainings side by side, and
// where there is a map of so many rows, it fills behind the last step.
/** @type {(events: DrawnEvent[], run: { steps: number, rows: number }) => (DrawnEvent & { at: number })[]} */
export function timeline(events, { steps, rows }) {
  const all = steps + stepsARow(rows) * rows;
  /** @type {Map<string, DrawnEvent[]>} */
  const byTraining = new Map();
  for (const each of events.flatMap(singly)) {
    const training = trainingOf(each);
    byTraining.set(training, [...(byTraining.get(training) ?? []), each]);
  }
  const moments = [...byTraining.values()].flatMap((training) => {
    let mapped = 0;
    let at = 0;
    return training
      .sort((a, b) => stepOf(a) - stepOf(b))
      .map((event) => {
        if (isRowOfMap(event)) mapped += 1;
        if (event.event !== "arm") at = (stepOf(event) + stepsARow(rows) * mapped) / all;
        return { at, ...event };
      });
  });
  return moments.sort((a, b) => a.at - b.at);
}

// A recording joins a training's points to few events: one for each step again.
/** @type {(event: DrawnEvent) => DrawnEvent[]} */
function singly(drawn) {
  if (drawn.event !== "points") return [drawn];
  const { event, data } = drawn;
  return data.step.map((step, index) => {
    const values = Object.entries(data.values).map(([metric, all]) => [metric, [all[index]]]);
    return { event, data: { ...data, step: [step], values: Object.fromEntries(values) } };
  });
}

/** @type {(event: DrawnEvent) => number} */
function stepOf({ event, data }) {
  if (event === "points") return data.step[0];
  return event === "row" ? data.step : Infinity;
}
