// What a run tells, {event, data}: the same on a stream, in the answer to a poll and in a recording.
// app/events.py describes each event's data.

/**
 * @typedef {{ position: number, eta_s: number }} Queued
 * @typedef {{ run: string, slug: string, seed: number, seeds: number, arms: string[], steps: number, device: string }} Started
 * @typedef {{ arm: string, seed: number, step: number[], values: Record<string, (number | null)[]> }} Points
 * @typedef {{ arm: string, seed: number, step: number, metric: string, low: number, high: number, values: number[], y?: number | null }} Row
 * @typedef {{ arm: string, seed: number, state: "finished" | "diverged", summary: Record<string, number | null> }} ArmEnded
 * @typedef {{ holds: boolean | null, text: string, evidence: Record<string, number | null> }} Verdict
 * @typedef {{ state: "finished" | "stopped" | "failed", elapsed_s: number, code?: string, message?: string, reference?: string }} Done
 *
 * @typedef {{ event: "points", data: Points } | { event: "row", data: Row } | { event: "arm", data: ArmEnded }} DrawnEvent
 * @typedef {{ event: "queued", data: Queued } | { event: "started", data: Started }} WaitingEvent
 * @typedef {{ event: "verdict", data: Verdict } | { event: "done", data: Done }} EndingEvent
 * @typedef {WaitingEvent | DrawnEvent | EndingEvent} RunEvent
 */

/** @type {Record<RunEvent["event"], { drawn?: boolean }>} */
const EVENTS = {
  queued: {},
  started: {},
  points: { drawn: true },
  row: { drawn: true },
  arm: { drawn: true },
  verdict: {},
  done: {},
};

export const NAMES = Object.keys(EVENTS);

// Whether a figure's views draw it.
/**
 * @param {RunEvent} event
 * @returns {event is DrawnEvent}
 */
export const isDrawn = (event) => Boolean(EVENTS[event.event].drawn);

// Whether it is one row of a map, whose rows count for a figure's progress.
/** @type {(event: RunEvent) => boolean} */
export const isRowOfMap = ({ event, data }) => event === "row" && Number.isFinite(data.y);

// The training that it is of.
/** @type {(event: DrawnEvent) => string} */
export const trainingOf = ({ data }) => `${data.arm} ${data.seed}`;
