// What scripts say to a reader, in English, by module: texts, and functions of what they tell of.
// Numbers come as text, as numbers.js writes them.

/** @typedef {{ [name: string]: string | string[] | ((told: any) => string) | Texts }} Texts */

/** @type {(text: string) => string} */
const capitalised = (text) => text[0].toUpperCase() + text.slice(1);

/** @satisfies {Texts} */
export default {
  article: {
    lightPage: "Light page",
    darkPage: "Dark page",
  },
  batch: {
    data: "The data: correlated, stretched, far from the origin.",
    centred: "The cloud has moved to the origin. Its shape is what it was.",
    normalised: ({ variances }) => `Variances ${variances.join(" and ")}: 1, but for ε = 10⁻⁵.`,
    affine: "y = γx̂ + β.",
    nothingLeft: "With γ = 0 nothing of the input is left: y = β.",
    undone: "γ = √(σ² + ε) and β = μ: every point is back where it was.",
  },
  bowl: {
    normalise: "Normalise the inputs",
    undo: "Undo the normalisation",
    diverges: "diverges",
    over: ({ steps }) => `over ${steps}`,
    rates: ({ rate, limit }) => `Learning rate ${rate}; from ${limit} on, the descent diverges.`,
    beyond: "The rate is beyond its limit: in the steepest direction each step lands further from the minimum than the one before.",
    nearlyRound: "The bowl is round or nearly so: the gradient points at the minimum.",
    long: ({ ratio }) => `The bowl is ${ratio} times as long as it is wide. The gradient points across the valley rather than along it.`,
    round: "Round: from everywhere the gradient points straight at the minimum. Offset and scale no longer matter.",
    correlated: ({ correlation }) =>
      `Offset and scale no longer matter, but the correlation stays: κ = (1 + ${correlation}) / (1 − ${correlation}). Normalising each input alone can’t make this bowl round.`,
  },
  chartData: {
    name: ({ title }) => `Data of ${title}`,
    nothing: "Nothing is drawn yet.",
    caption: ({ label, seeds, several, banded }) => {
      const what = several ? `: median${banded ? " [10th–90th percentile]" : ""}` : "";
      return `${label}, ${seeds}${what}`;
    },
    saved: ({ name }) => `Saved as ${name}`,
    last: ({ name, value, place }) => `${name} ${value} at ${place}`,
    none: ({ name }) => `${name} none`,
    description: ({ label, axis, ends }) => `${label} over the ${axis}, one line for each network. Last values: ${ends.join("; ")}.`,
  },
  charts: {
    atFirst: ({ label }) => `${label}, at first`,
    upperEdge: ({ label }) => `${label}, upper edge`,
    medians: ({ axis }) => `${axis}, medians of the seeds`,
    nothing: "nothing",
    said: ({ at, values }) => `${at}: ${values.join(", ")}`,
    latest: "latest",
    step: ({ step }) => `step ${step}`,
    place: ({ axis, place }) => `${axis}: ${place}`,
    placeAtStep: ({ axis, place, step }) => `${axis}: ${place}, step ${step}`,
    range: ({ low, high }) => `${low} to ${high}`,
  },
  citations: {
    reference: ({ number }) => `Reference ${number}`,
  },
  cloud: {
    movable: "movable point",
    point: ({ number, count, x1, x2 }) => `Point ${number} of ${count}: x1 ${x1}, x2 ${x2}`,
  },
  comments: {
    soFar: ({ count }) => `So far ${count}.`,
    field: ({ label, message }) => `${label}: ${message}.`,
  },
  copy: {
    copied: "Copied",
    selected: "Selected: copy it with your keyboard or menu",
  },
  figure: {
    quarters: ["", "A quarter is done.", "Half is done.", "Three quarters are done."],
    run: ({ seed }) => `the run of seed ${seed}`,
    recordedRun: ({ seed }) => `the recorded run of seed ${seed}`,
    lines: ({ singles, edges, seeds }) => {
      const bands = `Band: 10th to 90th percentile.${edges ? " Where a band has two lines: the median of each." : ""}`;
      return `Line: median. ${singles ? "Thin lines: single seeds." : bands} n = ${seeds} seeds.`;
    },
    diverged: "diverged",
    lastValues: ({ values }) => `last values: ${values}`,
  },
  histogram: {
    step: ({ step }) => `step ${step}`,
    waiting: "waiting",
    moments: ({ label, step, mean, deviation }) => `${label}, step ${step}: mean ${mean}, standard deviation ${deviation}.`,
    name: ({ moments }) => `Histogram. ${moments}`,
  },
  live: {
    spoken: { queued: "Waiting to train.", running: "Training.", finished: "Training finished." },
    // In the text, in place of a verdict.
    toCome: "It is still going on; its verdict will stand here.",
    withoutVerdict: {
      failed: "It failed before its end, so there is no verdict.",
      stopped: "It was stopped before its end, so there is no verdict.",
    },
    // ahead and seconds are 0 where there is nothing to say of them.
    waiting: ({ ahead, seconds }) => {
      const place = ahead ? `${ahead} ahead of you` : "next in line";
      return `Waiting: ${place}${seconds ? `, about ${seconds} s` : ""}.`;
    },
    started: "Training…",
    training: ({ step, last, networks }) => `Training: step ${step} of ${last}, over ${networks} networks.`,
    mapping: ({ row, last }) => `Mapping the loss: row ${row} of ${last}.`,
    measuring: "Measuring the loss on the way to the next seed’s network.",
    // What the status line adds or says while events don't come as they should, by the stream's state.
    network: {
      interrupted: "Connection lost. Trying again…",
      intercepted:
        "Something between this page and the server, such as a login page, answers in its place. Trying again; if this goes on, reload the page.",
      held: "Something between this page and the server doesn’t let live updates through: the page asks for them every few seconds.",
      full: "Many readers are watching: the page asks for updates every few seconds.",
    },
    unanswered: "The run has ended, but the server doesn’t answer with its result. Trying again…",
    forgotten: "The server no longer knows this run. Reload the page to train again.",
  },
  problem: {
    noAnswer: "The server doesn’t answer. Try again in a moment.",
    answered: ({ status }) => `The server answered ${status}.`,
    againInSeconds: ({ seconds }) => `Try again in ${seconds} s.`,
    againInMinutes: ({ minutes }) => `Try again in ${minutes} minutes.`,
  },
  replay: {
    replay: "Replay",
    again: "Replay again",
    stop: "Stop",
    replaying: "Replaying.",
    stopped: "Stopped.",
    finished: ({ verdict }) => `Replay finished. ${verdict}`,
    training: ({ step, last, networks }) => `Replaying: step ${step} of ${last}, over ${networks} networks.`,
    mapping: ({ row, last }) => `Replaying the map of the loss: row ${row} of ${last}.`,
    stoppedEarly: "Stopped. The sentence above tells of the whole run.",
    lost: "The recording did not come. Are you online? Try again.",
  },
  scrubber: {
    play: "Play",
    pause: "Pause",
    step: ({ step }) => `step ${step}`,
  },
  shown: {
    seed: ({ seed }) => `seed ${seed}`,
    seeds: ({ first, last }) => `seeds ${first} to ${last}`,
    behind: ({ runs }) => `Thin, behind: ${runs.join("; ")}.`,
    source: ({ title, slug, seeds, settings, partial }) =>
      `${title} Figure ${slug}, ${seeds}${settings ? `, with ${settings}` : ""}.${partial ? " Drawn before the end of the run." : ""}`,
    recorded: ({ date }) => `Recorded run of ${date}.`,
  },
  stills: {
    training: ({ output }) => `In training, among these mates, the output is ${output}.`,
    otherMates: ({ output }) => `In training, among other mates, the output is ${output}.`,
    testing: ({ output }) => `In testing the running averages decide: the output is ${output}, whoever the mates are.`,
  },
  summary: {
    about: ({ title, unit, axis, empty }) =>
      `${title}${unit ? ` (${unit})` : ""} over the ${axis}${empty ? ": nothing measured yet" : ""}.`,
    line: ({ label, course }) => `${label}: ${course}.`,
    level: ({ label, value }) => `Dotted line, ${label}: ${value}.`,
    slope: ({ label, value, until }) => `Dotted line, ${label}: from ${value} to ${until}.`,
    /** @type {(told: any) => string} */
    at: ({ value, place }) => `${value} at ${place}`,
    constant: ({ value, place, until }) => `${value} from ${place} to ${until}`,
    // which: some of first, least, greatest and last.
    point: ({ which, value, place }) => `${which.join(" and ")} ${value} at ${place}`,
    first: "first",
    least: "least",
    greatest: "greatest",
    last: "last",
    notFiniteFrom: ({ place }) => `not finite from ${place} on`,
    notFiniteAt: ({ count, all }) => `not finite at ${count} of ${all} places`,
  },
  surface: {
    name: ({ label }) => `${label}: the loss along two random directions from the final weights`,
    first: "first direction",
    second: "second direction",
    scale: "Shades from a low loss to a high one",
    hint: "Point at a map, or move through it with the arrow keys, to read the loss.",
    keys: ({ label }) => `${label}: arrow keys read the loss from place to place`,
    notFinite: "not finite",
    unmeasured: "unmeasured",
    reading: ({ first, second, losses }) => `At ${first} along the first and ${second} along the second direction: ${losses.join(", ")}.`,
  },
  sweep: {
    busy: "A run is under way. Wait for its end or stop it, then press the cell again.",
    cell: ({ name, value, seed }) => `${name} ${value}, seed ${seed}`,
    diverged: "diverged",
    // No verb: the figure's Train button is the only one whose name has it.
    button: ({ cell, label, result }) => `${capitalised(cell)}. ${label}: ${result}`,
    reading: ({ cell, results }) => `${capitalised(cell)}: ${results.join("; ")}.`,
    press: "Press to train it.",
    terminal: "The same in a terminal:",
  },
  views: {
    notLoaded: "This part of the figure did not load.",
    notDrawn: "This part of the figure could not be drawn.",
    notStarted: "This part of the page did not start, and stands still.",
    recordingNotLoaded: "The numbers of the recorded run did not load, so its curves can’t be read off.",
    updated: "This page has been updated since you opened it. Reload it to go on.",
    tryAgain: "Try again",
    reload: "Reload the page",
  },
  trainOrTest: {
    averages: ({ output }) => `The running averages decide: whoever the mates are, the output is ${output}.`,
    alone: "Alone, the example is its own mean: x̂ = 0, and everything becomes β. PyTorch refuses to train on such a batch.",
    batch: ({ output }) => `The batch decides: the output is ${output}. Swap the mates, and it is another.`,
    batches: ({ output, count, low, high }) =>
      `The batch decides: now the output is ${output}; in ${count} batches, from ${low} to ${high}.`,
  },
  tray: {
    seed: ({ seed }) => `Seed ${seed}`,
    seeds: ({ first, last }) => `Seeds ${first} to ${last}`,
    states: { queued: "queued", running: "running", finished: "finished", stopped: "stopped", failed: "failed" },
    show: "Show",
    showRun: ({ seeds }) => `Show the run of ${seeds.toLowerCase()}`,
    pin: "Pin",
    pinRun: ({ seeds }) => `Pin the run of ${seeds.toLowerCase()}`,
    unpin: "Unpin",
    unpinRun: ({ seeds }) => `Unpin the run of ${seeds.toLowerCase()}`,
    pinLines: "Pin its lines",
    unpinLines: "Unpin its lines",
    behind: "Thin, behind:",
  },
};
