// One run's events, each exactly once and in order, over whatever the network does.

const DRAWN = new Set(["points", "row", "arm"]);
const EVENTS = ["queued", "started", "points", "row", "arm", "verdict", "done"];

// Until the next attempt where the server doesn't say when to come back.
const RETRY_SECONDS = 5;

// What is drawn of a run that has ended, as [name, data]; null where the server doesn't know the run.
export function eventsOf(run) {
  const events = [];
  return new Promise((resolve) => {
    new Stream(`/runs/${run}/events`, {
      event: (name, data) => (name === "done" ? resolve(events) : DRAWN.has(name) && events.push([name, data])),
      interrupted: () => {},
      lost: () => resolve(null),
    });
  });
}

export class Stream {
  #url;
  #listener;
  #source = null;
  #lastId = 0;
  #ended = false;
  #waits = true; // in the server's queue, from which it falls if nobody watches
  #retry = 0; // the timer of the next attempt

  // listener: {event(name, data), interrupted(), lost()}
  constructor(url, listener) {
    this.#url = url;
    this.#listener = listener;
    addEventListener("pagehide", this.#pause);
    addEventListener("pageshow", this.#resume);
    document.addEventListener("visibilitychange", this.#look);
    this.#open();
  }

  close() {
    this.#ended = true;
    this.#pause();
    removeEventListener("pagehide", this.#pause);
    removeEventListener("pageshow", this.#resume);
    document.removeEventListener("visibilitychange", this.#look);
  }

  // The browser resumes by itself with Last-Event-ID; after a pause we say where we are.
  #open() {
    const source = new EventSource(this.#address);
    this.#source = source;
    for (const name of EVENTS) source.addEventListener(name, (event) => this.#take(name, event));
    source.onerror = () => {
      if (this.#ended || source !== this.#source) return;
      this.#listener.interrupted();
      // CLOSED: the server refused, and the browser asks no more. It does not say why.
      if (source.readyState === EventSource.CLOSED) this.#ask();
    };
  }

  get #address() {
    return this.#lastId ? `${this.#url}?last_event_id=${this.#lastId}` : this.#url;
  }

  // Why did the server refuse? It may be full or about to start again, and then we come back; or
  // it no longer knows the run, or has nothing to add.
  async #ask() {
    const source = this.#source;
    const asking = new AbortController();
    const answer = await fetch(this.#address, { signal: asking.signal }).catch(() => null);
    const seconds = Number(answer?.headers.get("Retry-After")) || RETRY_SECONDS;
    const status = answer?.status ?? 503;
    asking.abort(); // a stream that is open after all
    if (this.#ended || source !== this.#source) return;
    if (status === 429 || status >= 500) this.#comeBack(seconds);
    else if (status === 200) this.#open();
    else {
      this.close();
      this.#listener.lost();
    }
  }

  // Not everybody in the same second.
  #comeBack(seconds) {
    this.#retry = setTimeout(() => this.#open(), 1000 * seconds * (1 + Math.random() / 2));
  }

  #take(name, event) {
    const id = Number(event.lastEventId);
    if (this.#ended || id <= this.#lastId) return;
    this.#lastId = id;
    this.#waits = name === "queued";
    if (name === "done") this.close();
    this.#listener.event(name, JSON.parse(event.data));
    if (!this.#ended) this.#look();
  }

  // Over HTTP/1.1 a browser has six connections to a server, for all its tabs together: a tab that
  // nobody sees gives its own back while the run trains, and catches up when it is seen again.
  #look = () => {
    if (document.hidden && !this.#waits) this.#pause();
    else if (!document.hidden) this.#goOn();
  };

  // A page in the back/forward cache holds no connection.
  #pause = () => {
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = null;
  };

  #goOn() {
    if (!this.#ended && this.#source === null) this.#open();
  }

  #resume = (event) => {
    if (event.persisted) this.#goOn();
  };
}
