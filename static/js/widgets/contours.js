// The drawings of widget bowl, in the planes' own units: an error over two weights, and the inputs.
import { eigen, error, halfAxes } from "../maths/quadratic.js";
import { draw, set } from "../dom/svg.js";

/**
 * @typedef {import("../maths/quadratic.js").Symmetric} Symmetric
 * @typedef {import("../maths/quadratic.js").Vector} Vector
 */

// Each line stands for twice the error of the next one inside; 2⁰ is the error at the start.
const POWERS = [6, 5, 4, 3, 2, 1, 0, -1, -2, -3, -4, -5];

export class Contours {
  /** @type {Vector} */
  #minimum;
  #bowl;
  #lines;
  #goal;
  #path;
  #stops;
  #start;

  /**
   * @param {Element} plane
   * @param {Vector} minimum
   */
  constructor(plane, minimum) {
    this.#minimum = minimum;
    this.#bowl = draw(plane, "g");
    this.#lines = POWERS.map(() => draw(this.#bowl, "ellipse", { class: "contour" }));
    this.#goal = draw(this.#bowl, "ellipse", { class: "goal" });
    this.#path = draw(plane, "path", { class: "descent" });
    this.#stops = draw(plane, "path", { class: "stops" });
    this.#start = draw(plane, "path", { class: "stops start" });
  }

  // The path leads from the start; its places are counted from the minimum.
  /** @type {(matrix: Symmetric, path: Vector[], goal: number) => void} */
  draw(matrix, path, goal) {
    const first = error(matrix, path[0]);
    const degrees = (eigen(matrix).angle * 180) / Math.PI;
    set(this.#bowl, { transform: `translate(${this.#minimum}) rotate(${degrees})` });
    this.#lines.forEach((line, index) => this.#draw(line, matrix, first * 2 ** POWERS[index]));
    this.#draw(this.#goal, matrix, first * goal);
    const places = path.map((place) => place.map((value, index) => (value + this.#minimum[index]).toFixed(4)).join(" "));
    set(this.#path, { d: `M${places.join("L")}` });
    set(this.#stops, { d: places.map((place) => `M${place}h0.001`).join("") });
    set(this.#start, { d: `M${places[0]}h0.001` });
  }

  /** @type {(ellipse: Element, matrix: Symmetric, level: number) => void} */
  #draw(ellipse, matrix, level) {
    const [rx, ry] = halfAxes(matrix, level);
    set(ellipse, { rx, ry });
  }
}

export class Scatter {
  #ghosts;
  #points;

  /** @param {Element} plane */
  constructor(plane) {
    this.#ghosts = draw(plane, "path", { class: "ghosts" });
    this.#points = draw(plane, "path", { class: "dots" });
  }

  // Both are [all x₁, all x₂]: the inputs as the unit gets them, and as they came.
  /** @type {(shown: number[][], raw: number[][]) => void} */
  draw(shown, raw) {
    /** @type {(inputs: number[][]) => string} */
    const dots = ([xs, ys]) => xs.map((x, index) => `M${x} ${ys[index]}h0.001`).join("");
    set(this.#ghosts, { d: dots(raw) });
    set(this.#points, { d: dots(shown) });
  }
}
