// The drawing of widget batch: points in a plane, by hand movable. It works in the data's units.
import { fixed } from "../text/numbers.js";
import { mean, variance } from "../maths/statistics.js";
import { draw, set } from "../dom/svg.js";
import { words } from "../text/words.js";

/**
 * @typedef {[number, number]} Pair
 * @typedef {{ id: number, x: number, y: number }} Grip
 */

const RADIUS = 0.1;
const STEP = 0.1; // by which an arrow key moves a point; ten times that with Shift
/** @type {Record<string, Pair>} */
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
/** @type {Record<string, number>} */
const JUMPS = { PageDown: 1, PageUp: -1, Home: -Infinity, End: Infinity };

// A hundred points are one thing to tab to and to read: the chosen one.
const CHOSEN = { tabindex: 0, role: "button", "aria-roledescription": words.cloud.movable, "aria-hidden": "false" };
const LEFT = { tabindex: -1, role: "none", "aria-hidden": "true" };

/** @type {(value: number, low: number, high: number) => number} */
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

export class Cloud {
  /** @type {SVGGraphicsElement} */
  #plane;
  /** @type {Element[]} */
  #strips;
  /** @type {(index: number, place: Pair) => void} */
  #moved;
  /** @type {Record<string, SVGElement>} */
  #layers = {};
  /** @type {SVGElement[]} */
  #ghosts = [];
  /** @type {SVGElement[]} */
  #points = [];
  /** @type {number[][]} */
  #shown = [[], []];
  /** @type {number[][]} */
  #original = [[], []];
  #chosen = 0;
  /** @type {Grip | null} */
  #grip = null; // the pointer that holds a point, and where in it: {id, x, y}

  // moved(index, [x, y]) is called when a reader asks for a point to be drawn at [x, y].
  /**
   * @param {Element} svg
   * @param {(index: number, place: Pair) => void} moved
   */
  constructor(svg, moved) {
    this.#plane = svg.querySelector("[data-plane]");
    this.#strips = [...svg.querySelectorAll("[data-strip]")];
    this.#moved = moved;
    for (const name of ["spread", "middle", "tie"]) {
      this.#layers[name] = draw(this.#plane, "path", { class: name });
    }
    this.#layers.ghosts = draw(this.#plane, "g", { class: "ghosts" });
    this.#layers.points = draw(this.#plane, "g", { class: "points" });
    this.#layers.halo = draw(this.#plane, "circle", { class: "halo", r: RADIUS * 2.2 });
    for (const strip of this.#strips) {
      for (const name of ["rug", "bar", "mark"]) draw(strip, "path", { class: name });
    }
    const { points } = this.#layers;
    // A finger on a point drags it; the page would scroll instead and take the pointer away. On parts
    // of a drawing, touch-action has no effect. Two fingers zoom.
    /** @type {(event: TouchEvent) => void} */
    const hold = (event) => event.touches.length === 1 && event.cancelable && event.preventDefault();
    points.addEventListener("touchstart", hold, { passive: false });
    points.addEventListener("pointerdown", (event) => this.#take(event));
    points.addEventListener("pointermove", (event) => this.#drag(event));
    points.addEventListener("lostpointercapture", (event) => this.#release(event));
    points.addEventListener("keydown", (event) => this.#key(event));
  }

  // Both are [all x, all y]: where the points are drawn now, and where the data has them.
  /** @type {(shown: number[][], original: number[][]) => void} */
  draw(shown, original) {
    this.#shown = shown;
    this.#original = original;
    this.#grow(shown[0].length);
    const [xs, ys] = shown;
    this.#points.forEach((point, index) => {
      set(point, { cx: xs[index], cy: ys[index] });
      set(this.#ghosts[index], { cx: original[0][index], cy: original[1][index] });
    });
    const [[x, dx], [y, dy]] = shown.map((values) => [mean(values), Math.sqrt(variance(values))]);
    const { xFrom, yFrom } = this.#plane.dataset;
    set(this.#layers.middle, { d: `M${xFrom} ${y}H${x}V${yFrom}` });
    set(this.#layers.spread, { d: `M${x - dx} ${y - dy}H${x + dx}V${y + dy}H${x - dx}Z` });
    this.#drawStrip(0, xs, x, dx);
    this.#drawStrip(1, ys, y, dy);
    this.#mark();
  }

  /** @type {(dimension: number, values: number[], middle: number, deviation: number) => void} */
  #drawStrip(dimension, values, middle, deviation) {
    const [rug, bar, mark] = this.#strips[dimension].children;
    set(rug, { d: values.map((value) => `M${value}-7v14`).join("") });
    set(bar, { d: `M${middle - deviation} 0H${middle + deviation}` });
    set(mark, { d: `M${middle}-11v22` });
  }

  // The chosen point, tied to where it came from. It alone is in the order of Tab.
  #mark() {
    const original = this.#original;
    const index = this.#chosen;
    const [x, y] = this.#shown.map((values) => values[index]);
    set(this.#layers.halo, { cx: x, cy: y });
    set(this.#layers.tie, { d: `M${original[0][index]} ${original[1][index]}L${x} ${y}` });
    const place = { x1: fixed(x, 2), x2: fixed(y, 2) };
    const name = words.cloud.point({ number: index + 1, count: this.#points.length, ...place });
    set(this.#points[index], { ...CHOSEN, "aria-label": name });
  }

  /** @type {(count: number) => void} */
  #grow(count) {
    while (this.#points.length < count) {
      this.#ghosts.push(draw(this.#layers.ghosts, "circle", { r: RADIUS }));
      const point = draw(this.#layers.points, "circle", { r: RADIUS, ...LEFT });
      point.dataset.point = `${this.#points.length}`;
      this.#points.push(point);
    }
  }

  /** @type {(index: number) => void} */
  #choose(index) {
    set(this.#points[this.#chosen], LEFT);
    this.#chosen = index;
    this.#mark();
    this.#points[index].focus({ preventScroll: true });
  }

  /** @type {(event: PointerEvent) => void} */
  #take(event) {
    if (event.button !== 0 || this.#grip) return;
    event.preventDefault();
    const at = this.#locate(event);
    const index = this.#nearest(at);
    this.#choose(index);
    const [x, y] = this.#shown.map((values, dimension) => values[index] - at[dimension]);
    this.#grip = { id: event.pointerId, x, y };
    this.#layers.points.setPointerCapture(event.pointerId);
    this.#layers.points.dataset.held = "";
  }

  /** @type {(event: PointerEvent) => void} */
  #drag(event) {
    if (this.#grip?.id !== event.pointerId) return;
    const [x, y] = this.#locate(event);
    this.#ask([x + this.#grip.x, y + this.#grip.y]);
  }

  /** @type {(event: PointerEvent) => void} */
  #release(event) {
    if (this.#grip?.id !== event.pointerId) return;
    this.#grip = null;
    delete this.#layers.points.dataset.held;
  }

  /** @type {(event: KeyboardEvent) => void} */
  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const { key } = event;
    if (key in DIRECTIONS) {
      const step = event.shiftKey ? 10 * STEP : STEP;
      const [x, y] = this.#shown.map((values) => values[this.#chosen]);
      const [dx, dy] = DIRECTIONS[key];
      this.#ask([x + step * dx, y + step * dy]);
    } else if (key in JUMPS) {
      this.#choose(clamp(this.#chosen + JUMPS[key], 0, this.#points.length - 1));
    } else return;
    event.preventDefault();
  }

  /** @type {(place: Pair) => void} */
  #ask([x, y]) {
    const { dataset } = this.#plane;
    const [xFrom, xTo, yFrom, yTo] = [dataset.xFrom, dataset.xTo, dataset.yFrom, dataset.yTo].map(Number);
    this.#moved(this.#chosen, [clamp(x, xFrom, xTo), clamp(y, yFrom, yTo)]);
  }

  // The pointer's place in the data's units.
  /** @type {(event: PointerEvent) => Pair} */
  #locate({ clientX, clientY }) {
    const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(this.#plane.getScreenCTM()?.inverse());
    return [x, y];
  }

  /** @type {(place: Pair) => number} */
  #nearest([x, y]) {
    const [xs, ys] = this.#shown;
    const distances = xs.map((value, index) => (value - x) ** 2 + (ys[index] - y) ** 2);
    return distances.indexOf(Math.min(...distances));
  }
}
