// A figure's runs on a server that trains: whatever run the panel names; until there is one, the
// recording. htmx sends the panel's form and replaces the panel.
import { followLead } from "./lead.js";
import { problemOf } from "./problem.js";
import { session } from "./storage.js";
import { Stream } from "./stream.js";
import { isRunId, Tray } from "./tray.js";
import { words } from "./words.js";

export class Live {
  #figure;
  #stream = null;
  #tray;
  #run = null; // id of the run that is drawn
  #key; // under which this tab remembers it; a link with settings has a memory of its own
  #opened = false;
  #hadFocus = false;
  #ledByHand = false; // the slider started the run, and gets the focus back

  constructor(figure) {
    this.#figure = figure;
    this.#tray = new Tray(figure, (run) => this.#show(run));
    const { element, slug } = figure;
    const asked = "asked" in this.#node.dataset;
    this.#key = `run of ${slug}${asked ? location.search : ""}`;
    element.addEventListener("click", (event) => this.#sameSeed(event));
    followLead(this.#panel, (form) => this.#lead(form));
    element.addEventListener("htmx:before:request", () => this.#begin());
    element.addEventListener("htmx:before:swap", () => (this.#hadFocus = this.#hasFocus));
    element.addEventListener("htmx:response:error", (event) => this.#refused(event.detail.ctx));
    element.addEventListener("htmx:error", () => this.#say(words.problem.noAnswer));
    element.addEventListener("htmx:after:swap", () => this.#attach());
    if (this.#node.dataset.run) {
      this.#attach();
      element.scrollIntoView();
    } else if (asked) {
      this.#arrive();
    }
  }

  // A permalink, or a press of Train, names a run; else the run that this tab saw last; else the
  // recording.
  async open() {
    if (this.#opened || this.#run) return;
    this.#opened = true;
    const id = session.get(this.#key);
    if (isRunId(id) && (await this.#refresh(id))) return;
    session.remove(this.#key);
    await this.#drawRecording();
  }

  progressed({ share, step, lastStep, row, lastRow, trainings }) {
    if (!this.#isOn) return;
    this.#panel.querySelector("[data-progress]").value = share;
    if (row && row === lastRow) this.#figure.status(words.live.measuring);
    else if (row) this.#figure.status(words.live.mapping({ row, last: lastRow }));
    else this.#figure.status(words.live.training({ step, last: lastStep, networks: trainings }));
  }

  // The panel shows a run that has not ended, and not one that is only drawn once more.
  get #isOn() {
    return this.#panel.querySelector("[data-progress]") !== null;
  }

  get #panel() {
    return this.#figure.panel;
  }

  // Asked when the panel is about to be replaced: until then, the reader may have gone elsewhere.
  get #hasFocus() {
    return this.#panel.contains(document.activeElement);
  }

  get #node() {
    return this.#figure.node;
  }

  // The whole figure down to its button; where the window is too low, what the panel says of the link.
  #arrive() {
    const { element } = this.#figure;
    const height = this.#panel.querySelector("[data-main]").getBoundingClientRect().bottom - element.getBoundingClientRect().top;
    (height < innerHeight ? element : this.#panel).scrollIntoView();
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
    this.#say("");
    this.#panel.querySelectorAll("[aria-invalid]").forEach((field) => field.removeAttribute("aria-invalid"));
  }

  // The panel was replaced: show the run it names, from the first event on.
  #attach() {
    const { run, runState } = this.#node.dataset;
    this.#enter(runState);
    this.#figure.tell(runState === "finished" ? this.#figure.verdict : (words.live.withoutVerdict[runState] ?? words.live.toCome));
    this.#tray.see(this.#node.dataset, this.#figure.verdict);
    if (this.#hadFocus) this.#focusAgain();
    // Stopped for this reader, while others go on with it.
    if ("left" in this.#node.dataset) this.#stream?.close();
    if (!run || run === this.#run) return;
    this.#run = run;
    session.set(this.#key, run);
    this.#stream?.close();
    this.#figure.reset(words.figure.run(this.#node.dataset));
    this.#stream = new Stream(`/runs/${run}/events`, {
      event: (name, data) => this.#take(name, data),
      interrupted: () => this.#figure.status(words.live.interrupted),
      lost: () => this.#refresh(run),
    });
  }

  // The form is gone while a run is on: the focus waits on Stop.
  #focusAgain() {
    const slider = this.#ledByHand && this.#panel.querySelector("[data-lead]");
    if (slider) this.#ledByHand = false;
    (slider || this.#panel.querySelector("[data-main]"))?.focus({ preventScroll: true });
  }

  #enter(state) {
    this.#figure.enter(state, `${words.live.spoken[state] ?? ""} ${this.#figure.verdict}`.trim());
  }

  #take(name, data) {
    switch (name) {
      case "queued":
        if (this.#isOn) this.#figure.status(words.live.waiting({ ahead: data.position, seconds: data.eta_s >= 1 ? Math.ceil(data.eta_s) : 0 }));
        break;
      case "started":
        if (this.#node.dataset.runState === "queued") this.#enter("running");
        if (this.#isOn) this.#figure.status(words.live.started);
        break;
      case "points":
      case "row":
      case "arm":
        this.#figure.take(name, data);
        break;
      case "done":
        if (this.#isOn) this.#refresh(this.#run);
        break;
    }
  }

  // The server's words for where the run stands. False if it no longer knows the run.
  async #refresh(id) {
    const options = { source: this.#panel, target: this.#panel, swap: "innerHTML" };
    await htmx.ajax("GET", `/runs/${id}`, options);
    const known = this.#node.dataset.run === id;
    if (!known && this.#run === id) this.#forgotten();
    return known;
  }

  // A run of the tray, in place of the one that is shown; the tray forgets what the server has.
  async #show(run) {
    const known = await this.#refresh(run);
    if (known) this.#panel.scrollIntoView({ block: "nearest" });
    return known;
  }

  #forgotten() {
    this.#run = null;
    session.remove(this.#key);
    this.#enter("failed");
    this.#figure.status(words.live.forgotten);
  }

  async #drawRecording() {
    if (this.#run) return;
    let recording;
    try {
      recording = await this.#figure.recording();
    } catch (error) {
      if (!this.#run) this.#figure.miss(error, () => this.#drawRecording());
      return;
    }
    if (!recording || this.#run) return;
    this.#figure.reset(words.figure.recordedRun(recording.receipt));
    for (const { event, data } of recording.events) this.#figure.take(event, data);
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

  #say(text) {
    const error = this.#panel.querySelector("[data-error]");
    if (error) error.textContent = text;
  }
}
