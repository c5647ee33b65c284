// One run's events, each exactly once and in order, over whatever the network does.

const EVENTS = ["queued", "started", "points", "row", "arm", "verdict", "done"];

export class Stream {
  #url;
  #listener;
  #source = null;
  #lastId = 0;
  #ended = false;

  // listener: {event(name, data), interrupted(), lost()}
  constructor(url, listener) {
    this.#url = url;
    this.#listener = listener;
    addEventListener("pagehide", this.#pause);
    addEventListener("pageshow", this.#resume);
    this.#open();
  }

  close() {
    this.#ended = true;
    this.#source?.close();
    removeEventListener("pagehide", this.#pause);
    removeEventListener("pageshow", this.#resume);
  }

  // The browser resumes by itself with Last-Event-ID; after a pause we say where we are.
  #open() {
    const url = this.#lastId ? `${this.#url}?last_event_id=${this.#lastId}` : this.#url;
    const source = new EventSource(url);
    this.#source = source;
    for (const name of EVENTS) source.addEventListener(name, (event) => this.#take(name, event));
    source.onerror = () => {
      if (this.#ended) return;
      // CLOSED: the server refused (it no longer knows the run, or has nothing to add).
      if (source.readyState === EventSource.CLOSED) {
        this.close();
        this.#listener.lost();
      } else {
        this.#listener.interrupted();
      }
    };
  }

  #take(name, event) {
    const id = Number(event.lastEventId);
    if (this.#ended || id <= this.#lastId) return;
    this.#lastId = id;
    if (name === "done") this.close();
    this.#listener.event(name, JSON.parse(event.data));
  }

  // A page in the back/forward cache holds no connection.
  #pause = () => this.#source?.close();

  #resume = (event) => {
    if (event.persisted && !this.#ended) this.#open();
  };
}
