// One run's events, each exactly once and in order, over whatever the network does.
//
// They come over an EventSource. A connection that says nothing for too long is given up, whatever
// the browser thinks of it, and so is one that ends: then we ask with an ordinary request (a poll)
// what has happened since, and open another stream. Where streams bring nothing although polls are
// answered, something on the way holds them back, and polls alone go on.
import { address } from "../dom/address.js";
import { ask } from "../dom/ask.js";
import { isDrawn, NAMES } from "./run-events.js";

// A stream says something at once, and later `alive` when it was quiet for 5 to 6 s.
const FIRST_MS = 8_000;
const SILENT_MS = 15_000;
const CHECK_MS = 1_000;
// What came while the page was busy or frozen gets so long to be heard before a stream is given up.
const GRACE_MS = 250;
// Before another stream. One that was cut earlier than after BRIEF_MS was fruitless.
const RESUME_MS = 500;
const BRIEF_MS = 3_000;
// Between two polls, and how far that grows while nothing happens. The server drops a queued run
// that nobody asked for in 15 s.
const POLL_MS = 1_500;
const SLOWEST_POLL_MS = 6_000;
// After polls that failed: doubled each time.
const RETRY_MS = 1_000;
const SLOWEST_RETRY_MS = 30_000;
// Streams in a row that said nothing, fell silent or were soon cut, until we only poll, and how long until one is tried again.
const FRUITLESS = 2;
const POLLING_MS = 60_000;

/**
 * @typedef {"live" | "held" | "full" | "interrupted" | "intercepted"} Network
 * @typedef {import("./run-events.js").RunEvent} RunEvent
 * @typedef {import("./run-events.js").DrawnEvent} DrawnEvent
 * @typedef {{ event: (event: RunEvent) => void, network: (network: Network) => void, lost: () => void }} Listener
 * @typedef {RunEvent & { id: number }} NumberedEvent
 * @typedef {{ now: number, date: number }} Moment
 */

// Until when no stream of this page is tried, since something holds them back.
let pollingUntil = -Infinity;

// What is drawn of a run that has ended; null where the server doesn't know the run.
/** @type {(run: string) => Promise<DrawnEvent[] | null>} */
export function eventsOf(run) {
  /** @type {DrawnEvent[]} */
  const events = [];
  return new Promise((resolve) => {
    new Stream(address(`runs/${run}/events`), {
      event: (event) => (event.event === "done" ? resolve(events) : isDrawn(event) && events.push(event)),
      network: () => {},
      lost: () => resolve(null),
    });
  });
}

export class Stream {
  /** @type {string} */
  #url;
  /** @type {Listener} */
  #listener;
  /** @type {EventSource | null} */
  #source = null;
  /** @type {AbortController | null} */
  #polling = null; // aborts the poll that is under way
  /** @type {ReturnType<typeof setTimeout> | 0} */
  #timer = 0; // of the next attempt
  /** @type {ReturnType<typeof setInterval> | 0} */
  #watchdog = 0;
  #heard = clock(); // when the source last said something, or was opened
  #first = true; // the source has said nothing yet
  #opened = clock(); // when the source was
  #suspected = false;
  #fruitless = 0; // streams in a row
  #failed = 0; // polls in a row that failed
  #quiet = 0; // polls in a row without news
  #lastId = 0;
  #ended = false;
  #waits = true; // in the server's queue, from which it falls if nobody watches
  /** @type {Network} */
  #network = "live";

  // listener: {event(name, data), network(state), lost()}. The states: "live"; "held", where polls
  // stand in for a stream that something holds back; "full", where the server has no room for one;
  // "interrupted"; "intercepted", where something else answers in the server's place.
  /**
   * @param {string} url
   * @param {Listener} listener
   */
  constructor(url, listener) {
    this.#url = url;
    this.#listener = listener;
    addEventListener("pagehide", this.#pause);
    addEventListener("pageshow", this.#resume);
    addEventListener("online", this.#startOver);
    document.addEventListener("resume", this.#startOver);
    document.addEventListener("visibilitychange", this.#look);
    this.#connect();
  }

  close() {
    this.#ended = true;
    this.#pause();
    removeEventListener("pagehide", this.#pause);
    removeEventListener("pageshow", this.#resume);
    removeEventListener("online", this.#startOver);
    document.removeEventListener("resume", this.#startOver);
    document.removeEventListener("visibilitychange", this.#look);
  }

  #connect = () => {
    this.#pause();
    if (performance.now() < pollingUntil) this.#poll();
    else this.#open();
  };

  // Always a new source with our own last id: what the browser does about a lost one differs.
  #open() {
    const source = new EventSource(this.#address());
    this.#source = source;
    this.#first = true;
    this.#opened = this.#heard = clock();
    this.#watchdog = setInterval(this.#check, CHECK_MS);
    /** @type {(name: string, act: (data: any, id: number) => boolean) => void} */
    const on = (name, act) =>
      source.addEventListener(name, (event) => {
        if (source !== this.#source) return;
        this.#hear();
        const data = parsed(event.data);
        if (data === null || !act(data, Number(event.lastEventId))) this.#catchUp();
      });
    for (const name of NAMES) on(name, (data, id) => this.#take(/** @type {NumberedEvent} */ ({ id, event: name, data })));
    on("alive", (data) => data.last_id <= this.#lastId);
    source.onerror = () => source === this.#source && this.#broken();
  }

  /** @type {(more?: Record<string, string>) => string} */
  #address(more = {}) {
    const query = `${new URLSearchParams(this.#lastId ? { last_event_id: `${this.#lastId}`, ...more } : more)}`;
    return query ? `${this.#url}?${query}` : this.#url;
  }

  #hear() {
    this.#heard = clock();
    this.#first = false;
    this.#suspected = false;
    this.#failed = 0;
    pollingUntil = -Infinity;
    this.#tell("live");
  }

  // Silent for too long? A page that was busy, hidden or asleep may find out late, with events still
  // to be heard: they get their turn first.
  #check = () => {
    if (this.#source === null || elapsed(this.#heard) < (this.#first ? FIRST_MS : SILENT_MS)) return;
    if (!this.#suspected) {
      this.#suspected = true;
      setTimeout(this.#check, GRACE_MS);
      return;
    }
    this.#fruitless = this.#first ? FRUITLESS : this.#fruitless + 1;
    this.#catchUp();
  };

  // The stream ended, was cut or was refused.
  #broken() {
    if (this.#first || elapsed(this.#opened) < BRIEF_MS) {
      this.#fruitless += 1;
      this.#catchUp();
    } else {
      this.#fruitless = 0;
      this.#pause();
      this.#later(RESUME_MS);
    }
  }

  // By a poll, which also says why a stream would be refused: an EventSource doesn't.
  #catchUp = () => {
    this.#pause();
    if (!this.#ended) this.#poll();
  };

  async #poll() {
    const polling = new AbortController();
    this.#polling = polling;
    const answer = await ask(this.#address({ wait: "0" }), { signal: polling.signal, cache: "no-store" });
    if (polling !== this.#polling) return; // there is another, or a stream
    if (answer.status === "json" && Array.isArray(answer.body.events)) this.#polled(answer.body);
    else if (answer.status === "empty" || answer.status === "refused") {
      this.close();
      this.#listener.lost();
    } else this.#fail(answer.status, answer.status === "busy" ? answer.retryAfter : 0);
  }

  /** @type {(body: { events: NumberedEvent[], length: number, full: boolean }) => void} */
  #polled({ events, length, full }) {
    const before = this.#lastId;
    this.#failed = 0;
    if (this.#fruitless >= FRUITLESS) {
      this.#fruitless = 0;
      pollingUntil = performance.now() + POLLING_MS;
    }
    for (const event of events) if (!this.#ended && !this.#take(event)) break;
    if (this.#ended) return;
    this.#polling = null;
    const held = performance.now() < pollingUntil;
    this.#quiet = this.#lastId > before ? 0 : this.#quiet + 1;
    if (held) this.#tell(full ? "full" : "held");
    else if (this.#network !== "held" && this.#network !== "full") this.#tell("live");
    if (this.#lastId > before && this.#lastId < length) this.#poll();
    else if (held) this.#later(Math.min(POLL_MS * 2 ** this.#quiet, SLOWEST_POLL_MS));
    else this.#later(this.#fruitless ? RESUME_MS : 0);
  }

  // Neither a stream nor a poll: no fault of the stream.
  /** @type {(status: string, retryAfter: number) => void} */
  #fail(status, retryAfter) {
    this.#polling = null;
    this.#fruitless = 0;
    this.#tell(status === "other" ? "intercepted" : "interrupted");
    this.#later(retryAfter ? 1000 * retryAfter : Math.min(RETRY_MS * 2 ** this.#failed, SLOWEST_RETRY_MS), this.#catchUp);
    this.#failed += 1;
  }

  // Not everybody in the same second.
  /** @type {(milliseconds: number, act?: () => void) => void} */
  #later(milliseconds, act = this.#connect) {
    if (document.hidden && !this.#waits) return; // until it is seen again
    this.#timer = setTimeout(act, milliseconds * (1 + Math.random() / 2));
  }

  /** @type {(network: Network) => void} */
  #tell(network) {
    if (network === this.#network) return;
    this.#network = network;
    this.#listener.network(network);
  }

  // False where events are missing before this one.
  /** @type {(numbered: NumberedEvent) => boolean} */
  #take(numbered) {
    const { id, ...event } = numbered;
    if (this.#ended || id <= this.#lastId) return true;
    if (id !== this.#lastId + 1) return false;
    this.#lastId = id;
    this.#waits = event.event === "queued";
    if (event.event === "done") this.close();
    this.#listener.event(event);
    if (document.hidden && !this.#waits) this.#pause();
    return true;
  }

  // Over HTTP/1.1 a browser has six connections to a server, for all its tabs together: a tab that
  // nobody sees gives its own back while the run trains, and catches up when it is seen again.
  #look = () => {
    if (document.hidden && !this.#waits) this.#pause();
    else if (!document.hidden) this.#goOn();
  };

  // A page in the back/forward cache holds no connection.
  #pause = () => {
    clearTimeout(this.#timer);
    clearInterval(this.#watchdog);
    this.#timer = 0;
    this.#suspected = false;
    this.#source?.close();
    this.#source = null;
    this.#polling?.abort();
    this.#polling = null;
  };

  #goOn() {
    if (this.#ended) return;
    if (this.#source) this.#check();
    else if (!this.#polling) this.#connect();
  }

  /** @type {(event: PageTransitionEvent) => void} */
  #resume = (event) => {
    if (event.persisted) this.#goOn();
  };

  // On another network, or after a sleep, what was open is most likely dead, and what was found out
  // about the way no longer holds.
  #startOver = () => {
    if (this.#ended || (document.hidden && !this.#waits)) return;
    pollingUntil = -Infinity;
    this.#fruitless = this.#failed = 0;
    this.#connect();
  };
}

// One of the two clocks stands still while a machine sleeps, the other can be set back.
/** @type {() => Moment} */
function clock() {
  return { now: performance.now(), date: Date.now() };
}

/** @type {(since: Moment) => number} */
function elapsed({ now, date }) {
  return Math.max(performance.now() - now, Date.now() - date);
}

// Null where a proxy has altered it.
/** @type {(text: string) => any} */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
