// A training figure: its recorded run at first, then whatever run its panel names.
import { followLead } from "./lead.js";
import { whenNear } from "./near.js";
import { NO_ANSWER, problemOf } from "./problem.js";
import { Stream } from "./stream.js";
import { Views } from "./views.js";

const SPOKEN = { queued: "Waiting to train.", running: "Training.", finished: "Training finished." };

// A point of a surface takes about as long as so many training steps: for the progress bar.
const STEPS_A_POINT = 2;

const remembered = (slug) => `run of ${slug}`;

function waiting({ position, eta_s }) {
  const place = position ? `${position} ahead of you` : "next in line";
  return `Waiting: ${place}${eta_s >= 1 ? `, about ${Math.ceil(eta_s)} s` : ""}.`;
}

export class Figure {
  #element;
  #panel;
  #keys = new Map();
  #views;
  #stream = null;
  #run = null; // id of the run that is drawn
  #steps = new Map(); // training → last step
  #rows = new Map(); // training → rows of its surface
  #opened = false;
  #hadFocus = false;
  #ledByHand = false; // the slider started the run, and gets the focus back

  constructor(element) {
    this.#element = element;
    this.#panel = element.querySelector("[data-panel]");
    for (const item of element.querySelectorAll(".legend [data-arm]")) {
      const label = item.querySelector("span").textContent;
      this.#keys.set(item.dataset.arm, { label, line: item.querySelector("path"), item });
    }
    this.#views = new Views(this.#slug, this.#keys);
    this.#singles.addEventListener("change", () => {
      this.#explain();
      this.#views.again(this.#singles.checked);
    });
    element.addEventListener("click", (event) => this.#sameSeed(event));
    followLead(this.#panel, (form) => this.#lead(form));
    element.addEventListener("htmx:before:request", () => this.#begin());
    element.addEventListener("htmx:response:error", (event) => this.#refused(event.detail.ctx));
    element.addEventListener("htmx:error", () => this.#say(NO_ANSWER));
    element.addEventListener("htmx:after:swap", () => this.#attach());
    if (this.#node.dataset.run) {
      this.#attach();
      element.scrollIntoView();
    } else if ("repeat" in this.#node.dataset) {
      element.scrollIntoView();
    }
    for (const shown of [element, ...this.#views.elements]) whenNear(shown, () => this.#open());
  }

  // A permalink, or a press of Train, names a run; else the run that this tab saw last; else the
  // recording.
  async #open() {
    if (this.#opened || this.#run) return;
    this.#opened = true;
    const id = sessionStorage.getItem(remembered(this.#slug));
    if (id && (await this.#refresh(id))) return;
    sessionStorage.removeItem(remembered(this.#slug));
    await this.#drawRecording();
  }

  get #slug() {
    return this.#element.dataset.figure;
  }

  // The panel's content, which htmx replaces as a whole.
  get #node() {
    return this.#panel.firstElementChild;
  }

  // A press on "same seed" fills the seed in for this one request.
  #sameSeed(event) {
    const button = event.target.closest("[data-same-seed]");
    if (button) this.#seedField.value = button.dataset.sameSeed;
  }

  // Only the slider's parameter moves: the seed stays that of the run shown.
  #lead(form) {
    this.#seedField.value = this.#node.dataset.seed ?? "";
    this.#ledByHand = true;
    form.requestSubmit();
  }

  get #seedField() {
    return this.#panel.querySelector("[name=seed]");
  }

  #begin() {
    this.#hadFocus = this.#panel.contains(document.activeElement);
    this.#say("");
    this.#panel.querySelectorAll("[aria-invalid]").forEach((field) => field.removeAttribute("aria-invalid"));
  }

  // The panel was replaced: show the run it names, from the first event on.
  #attach() {
    const { run, runState } = this.#node.dataset;
    this.#enter(runState);
    if (this.#hadFocus) this.#focusAgain();
    // Stopped for this reader, while others go on with it.
    if ("left" in this.#node.dataset) this.#stream?.close();
    if (!run || run === this.#run) return;
    this.#run = run;
    sessionStorage.setItem(remembered(this.#slug), run);
    this.#stream?.close();
    this.#reset(`the run of seed ${this.#node.dataset.seed}`);
    this.#stream = new Stream(`/runs/${run}/events`, {
      event: (name, data) => this.#take(name, data),
      interrupted: () => this.#status("Connection lost. Trying again…"),
      lost: () => this.#refresh(run),
    });
  }

  // The form is gone while a run is on: the focus waits on Stop.
  #focusAgain() {
    const slider = this.#ledByHand && this.#panel.querySelector("[data-lead]");
    if (slider) this.#ledByHand = false;
    (slider || this.#panel.querySelector("[data-main]"))?.focus({ preventScroll: true });
  }

  // The state is spoken when it changes; the step counter is not, it would never be silent.
  #enter(state) {
    if (this.#element.dataset.state === state) return;
    this.#element.dataset.state = state;
    const verdict = this.#panel.querySelector(".verdict")?.textContent ?? "";
    this.#element.querySelector("[data-speech]").textContent = `${SPOKEN[state] ?? ""} ${verdict}`.trim();
  }

  // The panel says what is about to be drawn.
  #reset(shown) {
    const { seed, seeds, steps, levels } = this.#node.dataset;
    this.#steps.clear();
    this.#rows.clear();
    for (const { item } of this.#keys.values()) item.querySelector("[data-arm-state]").textContent = "";
    this.#views.reset({
      seed: Number(seed),
      seeds: Number(seeds),
      steps: Number(steps),
      levels: JSON.parse(levels),
      singles: this.#singles.checked,
    });
    this.#element.querySelector("[data-bands]").hidden = Number(seeds) === 1;
    this.#explain();
    for (const name of document.querySelectorAll(`[data-shown-of="${this.#slug}"]`)) name.textContent = shown;
  }

  // What the lines of several seeds are.
  #explain() {
    const { seeds } = this.#node.dataset;
    const edges = this.#element.querySelector("[data-upper]") ? " Where a band has two lines: the median of each." : "";
    const spread = this.#singles.checked ? "Thin lines: single seeds." : `Band: 10th to 90th percentile.${edges}`;
    this.#element.querySelector("[data-lines]").textContent = `Line: median. ${spread} n = ${seeds} seeds.`;
  }

  get #singles() {
    return this.#element.querySelector("[data-singles]");
  }

  #take(name, data) {
    switch (name) {
      case "queued":
        this.#status(waiting(data));
        break;
      case "started":
        if (this.#node.dataset.runState === "queued") this.#enter("running");
        this.#status("Training…");
        break;
      case "points":
        this.#views.append(name, data);
        this.#steps.set(`${data.arm} ${data.seed}`, data.step.at(-1));
        this.#progress();
        break;
      case "row":
        this.#views.append(name, data);
        if (data.metric === "surface") this.#mapped(data);
        break;
      case "arm":
        this.#views.append(name, data);
        if (data.state === "diverged") this.#diverged(data);
        break;
      case "done":
        if (this.#panel.querySelector("[data-progress]")) this.#refresh(this.#run);
        break;
    }
  }

  #mapped({ arm, seed }) {
    const training = `${arm} ${seed}`;
    this.#rows.set(training, (this.#rows.get(training) ?? 0) + 1);
    this.#progress();
  }

  // Of all trainings together: the steps first and then, where there is a surface, its rows.
  #progress() {
    const bar = this.#panel.querySelector("[data-progress]");
    if (!bar) return;
    const { steps, trainings, rows } = this.#node.dataset;
    const sum = (counts) => [...counts.values()].reduce((total, count) => total + count, 0);
    const [step, lastStep] = [sum(this.#steps), steps * trainings];
    const [row, lastRow] = [sum(this.#rows), rows * trainings];
    const stepsARow = STEPS_A_POINT * rows; // a map has as many columns as rows
    bar.value = (step + stepsARow * row) / (lastStep + stepsARow * lastRow);
    if (row && row === lastRow) this.#status("Measuring the loss on the way to the next seed’s network.");
    else if (row) this.#status(`Mapping the loss: row ${row} of ${lastRow}.`);
    else this.#status(`Training: step ${step} of ${lastStep}, over ${trainings} networks.`);
  }

  #diverged({ arm, summary }) {
    const state = this.#keys.get(arm).item.querySelector("[data-arm-state]");
    state.textContent = "diverged";
    state.title = `last values: ${JSON.stringify(summary)}`;
  }

  // The server's words for where the run stands. False if it no longer knows the run.
  async #refresh(id) {
    this.#hadFocus = this.#panel.contains(document.activeElement);
    const options = { source: this.#panel, target: this.#panel, swap: "innerHTML" };
    await htmx.ajax("GET", `/runs/${id}`, options);
    const known = this.#node.dataset.run === id;
    if (!known && this.#run === id) this.#forgotten();
    return known;
  }

  #forgotten() {
    this.#run = null;
    sessionStorage.removeItem(remembered(this.#slug));
    this.#enter("failed");
    this.#status("The server no longer knows this run. Reload the page to train again.");
  }

  async #drawRecording() {
    const response = await fetch(this.#element.dataset.recording);
    if (!response.ok || this.#run) return;
    const { receipt, events } = await response.json();
    if (this.#run) return;
    this.#reset(`the recorded run of seed ${receipt.seed}`);
    for (const { event, data } of events) this.#take(event, data);
  }

  #refused(ctx) {
    const { errors, text } = problemOf(ctx);
    for (const { field } of errors) {
      const input = this.#panel.querySelector(`[name="${CSS.escape(field)}"]`);
      input?.setAttribute("aria-invalid", "true");
      const settings = input?.closest("details");
      if (settings) settings.open = true;
    }
    this.#say(text);
  }

  #status(text) {
    const status = this.#panel.querySelector("[data-status]");
    if (status && status.textContent !== text) status.textContent = text;
  }

  #say(text) {
    const error = this.#panel.querySelector("[data-error]");
    if (error) error.textContent = text;
  }
}
