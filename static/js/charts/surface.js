// Maps of the loss around trained weights, on one scale; they fill as the rows arrive. A probe,
// moved by pointer or by arrow keys, reads all maps at the same place. Of several seeds, the first.
import { Frame } from "../dom/frame.js";
import { fixed, localised } from "../text/numbers.js";
import { lossEdges, shadeOf } from "./shades.js";
import { Answers } from "../dom/live-region.js";
import { draw, set } from "../dom/svg.js";
import { words } from "../text/words.js";

/**
 * @typedef {[number, number]} Pair
 * @typedef {import("../figure/run-events.js").Row} Row
 * @typedef {{ element: HTMLElement, svg: SVGElement, rows: Row[] }} LossMap
 */

const SIZE = { width: 360, height: 338 }; // in the drawing's own units
const FIELD = { x: 44, y: 10, width: 300, height: 288 };
const MIDDLE = { x: FIELD.x + FIELD.width / 2, y: FIELD.y + FIELD.height / 2 };
const SCALE = { x: 20, width: 488 };
const LABELLED = [-1, -0.5, 0, 0.5, 1]; // along either direction
/** @type {{ [key: string]: Pair }} */
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
const APART = 22; // least distance of two labels
const ANSWER_MS = 400; // each press of a key asks for another reading

// Null where it was not finite; undefined where its row has not come.
/** @type {(loss: number | null | undefined) => string} */
function inWords(loss) {
  if (loss === undefined) return words.surface.unmeasured;
  return loss === null ? words.surface.notFinite : localised(loss.toPrecision(3));
}

/**
 * @param {number | null} loss
 * @returns {loss is number}
 */
const isDrawable = (loss) => loss !== null && Number.isFinite(loss) && loss > 0;

export class View {
  #element;
  /** @type {Map<string, LossMap>} */
  #maps = new Map(); // arm → {element, svg, rows}; a row is {y, values}
  /** @type {number | null} */
  #seed = null;
  /** @type {Pair | null} */
  #probe = null; // [column, row] of the grid
  #scale;
  #frame;
  #answers;

  // element: [data-view=surface]
  /**
   * @param {HTMLElement} element
   * @param {import("../figure/views.js").Keys} keys
   * @param {import("../figure/selection.js").Look} look
   * @param {import("../dom/frame.js").Life} life
   */
  constructor(element, keys, look, life) {
    this.#element = element;
    this.#frame = new Frame(() => this.#draw(), life);
    const { signal } = life;
    this.#answers = new Answers(element, ANSWER_MS);
    const scale = { viewBox: "0 0 528 40", role: "img", "aria-label": words.surface.scale };
    this.#scale = draw(element.querySelector("[data-scale]"), "svg", scale);
    signal.addEventListener("abort", () => {
      this.#scale.remove();
      for (const { svg } of this.#maps.values()) svg.remove();
    });
    for (const map of element.querySelectorAll("[data-arm]")) {
      const frame = map.querySelector("[data-map]");
      this.#maps.set(map.dataset.arm, { element: map, svg: axes(frame, map.dataset), rows: [] });
      frame.tabIndex = 0;
      set(frame, { role: "group", "aria-label": words.surface.keys(map.dataset) });
      frame.addEventListener("keydown", (event) => this.#key(event), { signal });
      frame.addEventListener("focus", () => this.#moveTo(this.#probe ?? this.#middle), { signal });
      frame.addEventListener("pointermove", (event) => this.#point(event), { signal });
      frame.addEventListener("pointerdown", (event) => this.#point(event), { signal });
    }
  }

  /** @type {(run: import("../figure/views.js").Run) => void} */
  reset({ seed }) {
    this.#seed = seed;
    this.#probe = null;
    for (const map of this.#maps.values()) map.rows = [];
    this.#frame.soon();
  }

  /** @type {(event: import("../figure/run-events.js").DrawnEvent) => void} */
  append({ event, data }) {
    if (event !== "row" || data.metric !== this.#element.dataset.metric || data.seed !== this.#seed) return;
    const map = this.#maps.get(data.arm);
    if (!map) return;
    map.rows = [...map.rows, data].sort((a, b) => Number(a.y) - Number(b.y));
    this.#frame.soon();
  }

  // Rows and columns of the grid; 0 before the first row.
  get #points() {
    return Math.max(0, ...[...this.#maps.values()].map(({ rows }) => rows[0]?.values.length ?? 0));
  }

  /** @type {Pair} */
  get #middle() {
    return [(this.#points - 1) / 2, (this.#points - 1) / 2];
  }

  #draw() {
    this.#element.dataset.live = "";
    const losses = [...this.#maps.values()].flatMap(({ rows }) => rows.flatMap(({ values }) => values));
    const drawable = losses.filter(isDrawable);
    const edges = drawable.length ? lossEdges(Math.min(...drawable), Math.max(...drawable)) : [];
    for (const map of this.#maps.values()) this.#drawMap(map, edges);
    this.#drawScale(edges);
    this.#read();
  }

  /** @type {(map: LossMap, edges: number[]) => void} */
  #drawMap({ svg, rows }, edges) {
    const field = svg.querySelector("[data-field]");
    const labels = svg.querySelector("[data-labels]");
    field.replaceChildren();
    labels.replaceChildren();
    const count = rows[0]?.values.length ?? 0;
    // A contour needs two rows.
    if (rows.length < 2) return;
    set(field, { viewBox: `0.5 0.5 ${count - 1} ${count - 1}` });
    const group = draw(field, "g", { transform: `matrix(1 0 0 -1 0 ${count})` });
    const clip = draw(group, "svg", { x: 0, y: 0, width: count, height: rows.length - 0.5, viewBox: `0 0 ${count} ${rows.length - 0.5}` });
    // A loss that is not finite lies above every edge.
    const losses = rows.flatMap(({ values }) => values.map((loss) => (isDrawable(loss) ? Math.log(loss) : Infinity)));
    const contours = d3.contours().size([count, rows.length]);
    const bands = edges.length - 1;
    /** @type {Pair[]} */
    const taken = [];
    for (let band = 0; band < bands; band += 1) {
      const threshold = band ? Math.log(edges[band]) : -Infinity;
      /** @type {{ coordinates: Pair[][][] }} */
      const { coordinates } = contours.contour(losses, threshold === -Infinity ? -1e9 : threshold);
      const d = coordinates
        .flat()
        .map((ring) => `M${ring.map(([x, y]) => `${+x.toFixed(2)} ${+y.toFixed(2)}`).join("L")}Z`)
        .join("");
      draw(clip, "path", { class: `shade-${shadeOf(band, bands)} contour`, d });
      if (band && band % 2 === 0) this.#label(labels, coordinates, edges[band], count, rows.length, taken);
    }
  }

  // A contour's loss, on it, where there is room between the edges and the labels so far.
  /** @type {(parent: Element, coordinates: Pair[][][], loss: number, count: number, known: number, taken: Pair[]) => void} */
  #label(parent, coordinates, loss, count, known, taken) {
    /** @type {(place: Pair) => boolean} */
    const inside = ([x, y]) => x > 1.4 && y > 1.2 && x < count - 1.4 && y < known - 1.2;
    const places = coordinates
      .flat(2)
      .filter(inside)
      .map(([x, y]) => this.#onDrawing(x - 0.5, y - 0.5, count));
    // Up and to the right of the middle, as far as that goes: there labels stand in a row.
    /** @type {(place: Pair) => number} */
    const wanted = ([x, y]) => Math.abs(Math.atan2(MIDDLE.x - x, MIDDLE.y - y) + 0.9);
    const free = places.filter(([x, y]) => taken.every(([a, b]) => Math.hypot(x - a, y - b) > APART));
    if (!free.length) return;
    const best = free.reduce((a, b) => (wanted(b) < wanted(a) ? b : a));
    taken.push(best);
    const text = draw(parent, "text", { x: best[0], y: best[1] + 4, "text-anchor": "middle" });
    text.textContent = localised(loss);
  }

  // Where a place of the grid lies on the drawing.
  /** @type {(column: number, row: number, count: number) => Pair} */
  #onDrawing(column, row, count) {
    const { x, y, width, height } = FIELD;
    return [x + (width * column) / (count - 1), y + height - (height * row) / (count - 1)];
  }

  /** @type {(edges: number[]) => void} */
  #drawScale(edges) {
    this.#scale.replaceChildren();
    const bands = edges.length - 1;
    edges.forEach((edge, index) => {
      const x = SCALE.x + (SCALE.width * index) / bands;
      if (index < bands) {
        const box = { x, y: 2, width: SCALE.width / bands, height: 14 };
        draw(this.#scale, "rect", { class: `shade-${shadeOf(index, bands)}`, ...box });
      }
      draw(this.#scale, "text", { x, y: 33, "text-anchor": "middle" }).textContent = localised(edge);
    });
  }

  /** @type {(event: PointerEvent) => void} */
  #point(event) {
    const count = this.#points;
    if (!count) return;
    const map = /** @type {Element} */ (event.currentTarget);
    const box = map.querySelector(".frame").getBoundingClientRect();
    const column = Math.round(((event.clientX - box.left) / box.width) * (count - 1));
    const row = Math.round(((box.bottom - event.clientY) / box.height) * (count - 1));
    this.#moveTo([column, row]);
  }

  /** @type {(event: KeyboardEvent) => void} */
  #key(event) {
    const [dx, dy] = KEYS[event.key] ?? [];
    if (dx === undefined) return;
    event.preventDefault();
    const [column, row] = this.#probe ?? this.#middle;
    this.#moveTo([Math.round(column + dx), Math.round(row + dy)]);
  }

  /** @type {(place: Pair) => void} */
  #moveTo(place) {
    const last = this.#points - 1;
    if (last < 0) return;
    /** @type {(index: number) => number} */
    const inside = (index) => Math.min(Math.max(index, 0), last);
    this.#probe = [inside(place[0]), inside(place[1])];
    this.#read();
  }

  // What all maps say at the probe.
  #read() {
    const count = this.#points;
    if (!count || !this.#probe) {
      this.#write(words.surface.hint);
      for (const { svg } of this.#maps.values()) set(svg.querySelector("[data-probe]"), { d: "" });
      return;
    }
    const [column, row] = this.#probe;
    /** @type {(index: number) => string} */
    const share = (index) => fixed((2 * index) / (count - 1) - 1, 2);
    const y = (2 * row) / (count - 1) - 1;
    const losses = [...this.#maps.values()].map(({ element, svg, rows }) => {
      const [left, top] = this.#onDrawing(column, row, count);
      set(svg.querySelector("[data-probe]"), { d: `M${left - 5} ${top}a5 5 0 1 0 10 0a5 5 0 1 0-10 0z` });
      const values = rows.find((other) => Math.abs(Number(other.y) - y) < 1 / count)?.values;
      const loss = values?.[column];
      return `${element.dataset.label} ${inWords(loss)}`;
    });
    this.#write(words.surface.reading({ first: share(column), second: share(row), losses }));
  }

  /** @type {(text: string) => void} */
  #write(text) {
    const reading = this.#element.querySelector("[data-reading]");
    if (reading.textContent === text) return;
    reading.textContent = text;
    this.#answers.say(text);
  }
}

// A map without its losses, appended to its frame: axes, centre, and the places for what is drawn later.
/** @type {(frame: HTMLElement, map: { label?: string }) => SVGElement} */
function axes(frame, { label }) {
  const svg = draw(frame, "svg", { viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, role: "img", "aria-label": words.surface.name({ label }) });
  const { x, y, width, height } = FIELD;
  /** @type {(content: string, attributes: import("../dom/svg.js").Attributes) => void} */
  const text = (content, attributes) => (draw(svg, "text", attributes).textContent = content);
  for (const value of LABELLED) {
    const share = (value + 1) / 2;
    text(localised(value), { x: x + width * share, y: y + height + 18, "text-anchor": "middle" });
    text(localised(value), { x: x - 8, y: y + height * (1 - share) + 4, "text-anchor": "end" });
  }
  text(words.surface.first, { x: MIDDLE.x, y: SIZE.height - 4, "text-anchor": "middle" });
  text(words.surface.second, { transform: `translate(11 ${MIDDLE.y}) rotate(-90)`, "text-anchor": "middle" });
  draw(svg, "svg", { class: "field", ...FIELD, preserveAspectRatio: "none", "data-field": "" });
  draw(svg, "rect", { class: "frame", ...FIELD });
  const cross = `M${MIDDLE.x - 6} ${MIDDLE.y}h12m-6-6v12`;
  draw(svg, "path", { class: "centre-halo", d: cross });
  draw(svg, "path", { class: "centre", d: cross });
  draw(svg, "g", { "data-labels": "" });
  draw(svg, "path", { class: "probe", "data-probe": "" });
  return svg;
}
