// What a run tells, {event, data}: the same on a stream, in the answer to a poll and in a recording.
// app/events.py describes each event's data.
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
export const isDrawn = ({ event }) => Boolean(EVENTS[event].drawn);

// Whether it is one row of a map, whose rows count for a figure's progress.
export const isRowOfMap = ({ event, data }) => event === "row" && Number.isFinite(data.y);

// The training that it is of.
export const trainingOf = ({ data }) => `${data.arm} ${data.seed}`;
