// A figure's runs on a server that trains: whatever run the panel names; until there is one, the
// recording. htmx sends the panel's form and replaces the panel.
import { address } from "../dom/address.js";
import { followLead } from "./lead.js";
import { count } from "../text/numbers.js";
import { problemOf } from "../dom/problem.js";
import { holdHeight, keepPlace, releaseHeight } from "../dom/steady.js";
import { session } from "../dom/storage.js";
import { Stream } from "./stream.js";
import { isRunId, Tray } from "./run-history.js";
import { words } from "../text/words.js";

// Between attempts to learn how a run ended, doubled up to the second; the browser's `online` ends a wait.
const RETRY_MS = 2_000;
const SLOWEST_RETRY_MS = 30_000;
// Of a stream that has trouble: what the status line says instead of anything else.
const TROUBLES = new Set(["interrupted", "intercepted"]);

/** @typedef {import("./stream.js").Network} Network */

export class Live {
  /** @type {import("./figure.js").Figure} */
  #figure;
  /** @type {Stream | null} */
  #stream = null;
  #tray;
  /** @type {string | null} */
  #run = null; // id of the run that is drawn
  #key; // under which this tab remembers it; a link with settings has a memory of its own
  #opened = false;
  #hadFocus = false;
  #settingsOpen = false;
  #settle = () => {}; // called when the panel's content has been replaced
  #ledByHand = false; // the slider started the run, and gets the focus back
  /** @type {Network} */
  #network = "live"; // what the stream says of the way to the server
  #said = ""; // the status line without that
  #unanswered = false; // the last request for the panel
  #unknown = false; // and the server knows no such run

  /** @param {import("./figure.js").Figure} figure */
  constructor(figure) {
    this.#figure = figure;
    this.#tray = new Tray(figure, (run) => this.#show(run));
    const { element, slug } = figure;
    const asked = "asked" in this.#node.dataset;
    this.#key = `run of ${slug}${asked ? location.search : ""}`;
    element.addEventListener("click", (event) => this.#sameSeed(event));
    followLead(this.#panel, (form) => this.#lead(form));
    element.addEventListener("htmx:before:request", () => this.#begin());
    // Of the whole page: what asked may have left it meanwhile, as Stop has when the run's end came first.
    document.addEventListener("htmx:before:swap", (event) => event.detail.ctx.target === this.#panel && this.#receive(event));
    element.addEventListener("htmx:response:error", (event) => this.#refused(event.detail.ctx));
    element.addEventListener("htmx:error", (event) => this.#failed(event.detail.ctx));
    // Before the next frame and the next key; htmx's own event may come later, and comes for a refusal, too.
    new MutationObserver(() => this.#replaced()).observe(this.#panel, { childList: true });
    element.addEventListener("htmx:after:swap", () => {
      const settle = keepPlace(this.#panel);
      this.#attach();
      settle();
    });
    this.#panel.addEventListener("click", ({ target }) => /** @type {Element} */ (target).closest("summary") && releaseHeight(this.#panel));
    addEventListener("resize", () => releaseHeight(this.#panel));
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
    if (!this.#unanswered) session.remove(this.#key);
    await this.#drawRecording();
    if (this.#unanswered) this.#say(words.problem.noAnswer);
  }

  /** @type {(progress: import("./figure.js").Progress) => void} */
  progressed({ share, step, lastStep, row, lastRow, trainings }) {
    if (!this.#isOn) return;
    /** @type {HTMLProgressElement} */
    const bar = this.#panel.querySelector("[data-progress]");
    bar.value = share;
    if (row && row === lastRow) this.#status(words.live.measuring);
    else if (row) this.#status(words.live.mapping({ row, last: lastRow }));
    else this.#status(words.live.training({ step: count(step), last: count(lastStep), networks: trainings }));
  }

  // The panel shows a run that has not ended, and not one that is only drawn once more.
  get #isOn() {
    return this.#panel.querySelector("[data-progress]") !== null;
  }

  /** @type {HTMLElement} */
  get #panel() {
    return this.#figure.panel;
  }

  // Asked when the panel is about to be replaced: until then, the reader may have gone elsewhere.
  get #hasFocus() {
    return this.#panel.contains(document.activeElement);
  }

  /** @type {HTMLElement} */
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
  /** @type {(event: Event) => void} */
  #sameSeed(event) {
    const button = /** @type {Element} */ (event.target).closest("[data-same-seed]");
    if (button) this.#seedField.value = button.dataset.sameSeed ?? "";
  }

  // Only the slider's parameter moves: the seed stays that of the run shown.
  /** @type {(form: HTMLFormElement) => void} */
  #lead(form) {
    this.#seedField.value = this.#node.dataset.seed ?? "";
    this.#ledByHand = true;
    form.requestSubmit();
  }

  /** @type {HTMLInputElement} */
  get #seedField() {
    return this.#panel.querySelector("[name=seed]");
  }

  #begin() {
    holdHeight(this.#panel);
    this.#say("");
    this.#panel.querySelectorAll("[aria-invalid]").forEach((field) => field.removeAttribute("aria-invalid"));
  }

  // Before the panel is replaced. A run that is stopped gets its last panel twice, as the answer to
  // Stop and for the stream's end: the second one would only take the reader from where they have gone.
  /** @type {(event: CustomEvent) => void} */
  #receive(event) {
    /** @type {{ target: Element, fragment: DocumentFragment }[]} */
    const tasks = event.detail.tasks;
    const next = tasks.find(({ target }) => target === this.#panel)?.fragment.querySelector("[data-run]");
    if (next && this.#saysAlready(next.dataset)) event.preventDefault();
    else this.#remember();
  }

  /** @type {(next: DOMStringMap) => boolean} */
  #saysAlready({ run, runState, left }) {
    const shown = this.#node.dataset;
    return !this.#isOn && shown.run === run && shown.runState === runState && shown.left === left;
  }

  #remember() {
    this.#hadFocus = this.#hasFocus;
    this.#settingsOpen = this.#settings?.open ?? this.#settingsOpen;
    this.#settle = keepPlace(this.#panel);
  }

  #replaced() {
    this.#settle();
    // htmx itself finds a field again that both panels have.
    if (this.#hadFocus && !this.#hasFocus) this.#focusAgain();
    this.#hadFocus = false;
  }

  /** @type {HTMLDetailsElement | null} */
  get #settings() {
    return this.#panel.querySelector(".settings");
  }

  // The panel was replaced: show the run it names, from the first event on.
  #attach() {
    if (this.#settings) this.#settings.open ||= this.#settingsOpen;
    const { run, runState } = this.#node.dataset;
    this.#enter(runState);
    this.#figure.tell(runState === "finished" ? this.#figure.verdict : (known(words.live.withoutVerdict, runState) ?? words.live.toCome));
    this.#tray.see(this.#node.dataset, this.#figure.verdict);
    // Stopped for this reader, while others go on with it.
    if ("left" in this.#node.dataset) this.#stream?.close();
    if (!run || run === this.#run) return;
    this.#run = run;
    session.set(this.#key, run);
    this.#stream?.close();
    this.#network = "live";
    this.#figure.reset(words.figure.run(this.#node.dataset));
    this.#stream = new Stream(address(`runs/${run}/events`), {
      event: (event) => this.#take(event),
      network: (state) => this.#reach(state),
      lost: () => this.#finish(run),
    });
  }

  // How events reach the page, beside or in place of what the status line said last.
  /** @type {(state: Network) => void} */
  #reach(state) {
    if (this.#network === "live") this.#said = this.#panel.querySelector("[data-status]")?.textContent ?? "";
    this.#network = state;
    this.#status(this.#said);
  }

  /** @type {(text: string) => void} */
  #status(text) {
    this.#said = text;
    const trouble = known(words.live.network, this.#network) ?? "";
    if (TROUBLES.has(this.#network)) this.#figure.status(trouble);
    else this.#figure.status(`${text} ${trouble}`.trim());
  }

  // Where the focus was went with the old panel. It rests on the new one as a whole, from where Tab
  // leads to its first control: on Stop or on Train, the Space bar that is to scroll would press it.
  #focusAgain() {
    const slider = this.#ledByHand && this.#panel.querySelector("[data-lead]");
    if (slider) this.#ledByHand = false;
    (slider || this.#node).focus({ preventScroll: true });
  }

  /** @type {(state: string) => void} */
  #enter(state) {
    this.#figure.enter(state, `${known(words.live.spoken, state) ?? ""} ${this.#figure.verdict}`.trim());
  }

  /** @type {(event: import("./run-events.js").RunEvent) => void} */
  #take(event) {
    switch (event.event) {
      case "queued":
        if (this.#isOn) this.#wait(event.data);
        break;
      case "started":
        if (this.#node.dataset.runState === "queued") {
          // The panel is as old as the press: it must not say "queued" again after a refused Stop.
          this.#node.dataset.runState = "running";
          this.#enter("running");
        }
        if (this.#isOn) this.#status(words.live.started);
        break;
      case "points":
      case "row":
      case "arm":
        this.#figure.take(event);
        break;
      case "done":
        if (this.#isOn && this.#run) this.#finish(this.#run);
        break;
    }
  }

  /** @type {(queued: import("./run-events.js").Queued) => void} */
  #wait({ position, eta_s: seconds }) {
    this.#status(words.live.waiting({ ahead: position, seconds: seconds >= 1 ? Math.ceil(seconds) : 0 }));
  }

  // The run is over, or the stream knows no more of it: asks for the server's words until they come.
  /** @type {(run: string) => Promise<void>} */
  async #finish(run) {
    for (let wait = RETRY_MS; this.#run === run; wait = Math.min(2 * wait, SLOWEST_RETRY_MS)) {
      await this.#refresh(run);
      if (!this.#unanswered || this.#run !== run) return;
      this.#figure.status(words.live.unanswered);
      await pauseOrOnline(wait);
    }
  }

  // The server's words for where the run stands. False where they did not come.
  /** @type {(id: string) => Promise<boolean>} */
  async #refresh(id) {
    const options = { source: this.#panel, target: this.#panel, swap: "innerHTML" };
    this.#unanswered = this.#unknown = false;
    await htmx.ajax("GET", address(`runs/${id}`), options);
    if (this.#unknown && this.#run === id) this.#forgotten();
    return !this.#unanswered && !this.#unknown && this.#node.dataset.run === id;
  }

  // A run of the tray, in place of the one that is shown; the tray forgets what the server has.
  /** @type {(run: string) => Promise<boolean>} */
  async #show(run) {
    const known = await this.#refresh(run);
    if (known) this.#panel.scrollIntoView({ block: "nearest" });
    if (this.#unanswered) this.#say(words.problem.noAnswer);
    return !this.#unknown;
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
    for (const event of recording.events) this.#figure.take(event);
  }

  // No answer came, or not in time. A request for the panel is looked after by who made it.
  /** @type {(ctx: any) => void} */
  #failed(ctx) {
    if (ctx?.sourceElement === this.#panel) this.#unanswered = true;
    else this.#say(words.problem.noAnswer);
  }

  /** @type {(ctx: any) => void} */
  #refused(ctx) {
    if (ctx.sourceElement === this.#panel) {
      this.#unknown = ctx.response.status === 404;
      this.#unanswered = !this.#unknown;
      return;
    }
    const { errors, text } = problemOf(ctx);
    for (const { field } of errors) {
      const input = this.#panel.querySelector(`[name="${CSS.escape(field)}"]`);
      input?.setAttribute("aria-invalid", "true");
      const settings = input?.closest("details");
      if (settings) settings.open = true;
    }
    this.#say(text);
  }

  /** @type {(text: string) => void} */
  #say(text) {
    const error = this.#panel.querySelector("[data-error]");
    if (error) error.textContent = text;
    else if (text) this.#figure.status(text);
  }
}

// The text of that name, where there is one.
/** @type {(texts: Record<string, string>, name: string) => string | undefined} */
const known = (texts, name) => texts[name];

/** @type {(milliseconds: number) => Promise<void>} */
function pauseOrOnline(milliseconds) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds * (1 + Math.random() / 2));
    addEventListener("online", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
