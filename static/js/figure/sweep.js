// The maps of a sweep. A cell is a button: it trains its value and seed in the figure around it;
// where no server trains, it says which command would. Each map is one tab stop; arrow keys move
// within it.
import { say } from "../dom/live-region.js";
import { words } from "../text/words.js";

/**
 * @typedef {[number, number]} Place
 * @typedef {{ label: string, cells: HTMLTableCellElement[][] }} LossMap
 */

/** @type {{ [key: string]: (from: Place, last: number) => Place }} */
const MOVES = {
  ArrowLeft: ([row, column]) => [row, column - 1],
  ArrowRight: ([row, column]) => [row, column + 1],
  ArrowUp: ([row, column]) => [row - 1, column],
  ArrowDown: ([row, column]) => [row + 1, column],
  Home: ([row]) => [row, 0],
  End: ([row], last) => [row, last],
};

export class Sweep {
  /** @type {HTMLElement} */
  #element;
  /** @type {boolean} */
  #trains;
  /** @type {HTMLElement} */
  #reading;
  /** @type {Node[]} */
  #provenance; // what the reading line says while no cell is meant
  /** @type {LossMap[]} */
  #maps; // of each: {label, cells[row][column]}, cells being td
  /** @type {string[]} */
  #values;
  /** @type {string[]} */
  #seeds;

  /**
   * @param {HTMLElement} element
   * @param {{ trains: boolean }} options
   */
  constructor(element, { trains }) {
    this.#element = element;
    this.#trains = trains;
    this.#reading = element.querySelector("[data-reading]");
    this.#provenance = [...this.#reading.childNodes];
    const tables = [.../** @type {NodeListOf<HTMLTableElement>} */ (element.querySelectorAll("[data-map]"))];
    this.#values = texts(tables[0].querySelectorAll("thead th:not(:first-child)"));
    this.#seeds = texts(tables[0].querySelectorAll("tbody th"));
    this.#maps = tables.map((table) => this.#enliven(table));
    element.addEventListener("pointerover", ({ target }) => this.#read(target));
    element.addEventListener("focusin", ({ target }) => this.#read(target));
    element.addEventListener("pointerleave", () => this.#read(document.activeElement));
    element.addEventListener("focusout", ({ relatedTarget }) => this.#read(relatedTarget));
  }

  /** @type {(table: HTMLTableElement) => LossMap} */
  #enliven(table) {
    const label = table.parentElement?.querySelector("[data-label]").textContent ?? "";
    const cells = [...table.tBodies[0].rows].map((row) => [...row.cells].slice(1));
    const map = { label, cells };
    cells.forEach((row, index) =>
      row.forEach((cell, column) => {
        const button = document.createElement("button");
        button.type = "button";
        button.tabIndex = -1;
        button.textContent = cell.textContent;
        button.ariaLabel = words.sweep.button({ cell: this.#place([index, column]), label, result: this.#result(cell) });
        cell.replaceChildren(button);
      }),
    );
    cells[0][0].querySelector("button").tabIndex = 0;
    table.setAttribute("role", "grid");
    table.addEventListener("click", ({ target }) => this.#press(placeOf(target)));
    table.addEventListener("focusin", ({ target }) => {
      table.querySelector("[tabindex='0']").tabIndex = -1;
      /** @type {HTMLElement} */ (target).tabIndex = 0;
    });
    table.addEventListener("keydown", (event) => move(event, cells));
    return map;
  }

  /** @type {(place: Place) => string} */
  #place([row, column]) {
    const { name } = this.#element.dataset;
    return words.sweep.cell({ name, value: this.#values[column], seed: this.#seeds[row] });
  }

  /** @type {(cell: Element) => string} */
  #result(cell) {
    return cell.className === "lx" ? words.sweep.diverged : cell.textContent + this.#element.dataset.unit;
  }

  // Says what all maps have at the place of that element, and marks it in each of them.
  /** @type {(target: EventTarget | null) => void} */
  #read(target) {
    const place = this.#element.contains(/** @type {Node | null} */ (target)) ? placeOf(target) : null;
    this.#mark("here", place);
    this.#reading.toggleAttribute("data-of-cell", Boolean(place));
    if (!place) {
      this.#reading.replaceChildren(...this.#provenance);
      return;
    }
    const [row, column] = place;
    const results = this.#maps.map(({ label, cells }) => `${label} ${this.#result(cells[row][column])}`);
    this.#reading.textContent = `${words.sweep.reading({ cell: this.#place(place), results })} `;
    if (this.#trains) this.#reading.append(words.sweep.press);
    else if ("chosen" in this.#maps[0].cells[row][column].dataset) this.#reading.append(...this.#command(place));
  }

  // The maps were made with the experiment's own settings, but for this one.
  /** @type {(place: Place) => (string | Element)[]} */
  #command([row, column]) {
    const { sweep, parameter } = this.#element.dataset;
    const code = document.createElement("code");
    code.textContent = `python -m app train ${sweep} --seed ${this.#seeds[row]} --set ${parameter}=${this.#values[column]}`;
    return [words.sweep.terminal, " ", code];
  }

  /** @type {(name: string, place: Place | null) => void} */
  #mark(name, place) {
    for (const { cells } of this.#maps) {
      for (const cell of cells.flat()) delete cell.dataset[name];
      if (place) cells[place[0]][place[1]].dataset[name] = "";
    }
  }

  /** @type {(place: Place | null) => void} */
  #press(place) {
    if (!place) return;
    if (this.#trains) {
      this.#train(place);
    } else {
      this.#mark("chosen", place);
      this.#read(this.#maps[0].cells[place[0]][place[1]].firstChild);
      this.#speak(this.#reading.textContent);
    }
  }

  /** @type {(text: string) => void} */
  #speak(text) {
    say(this.#element.closest("[data-figure]").querySelector("[data-speech]"), text);
  }

  // Fills the figure's form in with what the maps were made with, and sends it.
  /** @type {(place: Place) => void} */
  #train(place) {
    /** @type {HTMLFormElement | null} */
    const form = this.#element.closest("[data-figure]").querySelector("[data-panel] form");
    if (!form) {
      this.#reading.textContent = words.sweep.busy;
      this.#speak(words.sweep.busy);
      return;
    }
    const { parameter, settings } = this.#element.dataset;
    const [row, column] = place;
    const asked = { ...JSON.parse(settings), [parameter]: this.#values[column], seed: this.#seeds[row], seeds: 1 };
    for (const [name, value] of Object.entries(asked)) fieldOf(form, name).value = value;
    this.#mark("chosen", place);
    form.requestSubmit();
  }
}

/** @type {(form: HTMLFormElement, name: string) => HTMLInputElement} */
const fieldOf = (form, name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));

// [row, column] of the cell that an element belongs to; null for what is no cell.
/** @type {(target: EventTarget | null) => Place | null} */
function placeOf(target) {
  /** @type {HTMLTableCellElement | null} */
  const cell = target instanceof Element ? target.closest("tbody td") : null;
  return cell ? [/** @type {HTMLTableRowElement} */ (cell.parentElement).sectionRowIndex, cell.cellIndex - 1] : null;
}

/** @type {(event: KeyboardEvent, cells: HTMLElement[][]) => void} */
function move(event, cells) {
  const from = placeOf(event.target);
  if (!from || !(event.key in MOVES) || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const [row, column] = MOVES[event.key](from, cells[0].length - 1);
  cells[row]?.[column]?.querySelector("button").focus();
}

/** @type {(elements: NodeListOf<Element>) => string[]} */
const texts = (elements) => [...elements].map((element) => element.textContent);
