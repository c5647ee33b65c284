// The drawing of two losses: a point that slides along both, with the cone and the parabola there.
import { curvature, greatest, slope, value, vertex } from "../maths/curves.js";
import { fixed } from "../text/numbers.js";
import { set } from "../dom/svg.js";

/** @typedef {{ low: number, high: number, floor: number, ceiling: number }} Bounds */

// Two losses made up for this drawing.
/** @type {Record<string, import("../maths/curves.js").Loss>} */
const LOSSES = {
  rough: {
    bowl: 0.17,
    waves: [
      [0.24, 4.2, 0.9],
      [0.11, 7.9, 2.2],
    ],
  },
  smooth: { bowl: 0.17, waves: [[0.24, 1.4, 0.9]] },
};
const SEGMENTS = 240; // of a drawn curve

class Panel {
  /** @type {HTMLElement} */
  #element;
  #loss;
  /** @type {Bounds} */
  #bounds;
  #lipschitz;
  #smoothness;

  /**
   * @param {HTMLElement} element
   * @param {Bounds} bounds
   */
  constructor(element, bounds) {
    this.#element = element;
    this.#loss = LOSSES[element.dataset.loss ?? ""];
    this.#bounds = bounds;
    const { low, high } = bounds;
    this.#lipschitz = greatest(slope, this.#loss, [low, high]);
    this.#smoothness = greatest(curvature, this.#loss, [low, high]);
    Object.assign(element.dataset, { lipschitz: this.#lipschitz, smoothness: this.#smoothness });
    this.#find("lipschitz").textContent = fixed(this.#lipschitz, 2);
    this.#find("smoothness").textContent = fixed(this.#smoothness, 2);
    const places = Array.from({ length: SEGMENTS + 1 }, (_, index) => low + ((high - low) * index) / SEGMENTS);
    set(this.#find("curve"), { d: `M${places.map((x) => `${x.toFixed(3)} ${value(this.#loss, x).toFixed(3)}`).join("L")}` });
  }

  get svg() {
    return this.#element.querySelector("svg");
  }

  /** @type {(part: string) => Element} */
  #find(part) {
    return this.#element.querySelector(`[data-part=${part}]`);
  }

  // The weight under the pointer.
  /** @type {(event: PointerEvent) => number} */
  locate({ clientX, clientY }) {
    /** @type {SVGGraphicsElement} */
    const plane = this.#element.querySelector("[data-plane]");
    return new DOMPoint(clientX, clientY).matrixTransform(plane.getScreenCTM()?.inverse()).x;
  }

  /** @type {(x: number) => void} */
  draw(x) {
    const { floor, ceiling } = this.#bounds;
    /** @type {(name: string) => Element} */
    const find = (name) => this.#find(name);
    const beta = this.#smoothness;
    const y = value(this.#loss, x);
    const [bottom, depth] = vertex([x, y], slope(this.#loss, x), beta);
    /** @type {(edge: number) => string} */
    const half = (edge) => {
      const width = Math.abs(edge - y) / this.#lipschitz;
      return `M${x} ${y}L${x - width} ${edge}H${x + width}Z`;
    };
    set(find("cone"), { d: half(ceiling) + half(floor) });
    // A parabola is a quadratic Bézier curve.
    const width = Math.sqrt((2 * (ceiling - depth)) / beta);
    const control = `${bottom} ${2 * depth - ceiling}`;
    set(find("parabola"), { d: `M${bottom - width} ${ceiling}Q${control} ${bottom + width} ${ceiling}` });
    set(find("drop"), { d: `M${bottom} ${depth}V${value(this.#loss, bottom)}` });
    set(find("vertex"), { d: `M${bottom} ${depth}h0.001` });
    set(find("touch"), { d: `M${x} ${y}h0.001` });
    set(find("step"), { d: `M${x} 0H${bottom}` });
    find("length").textContent = fixed(Math.abs(bottom - x), 2);
    this.#element.dataset.step = `${bottom - x}`;
  }
}

export class Lipschitz {
  #element;
  /** @type {HTMLInputElement} */
  #slider;
  #panels;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
    this.#slider = element.querySelector("[data-slide]");
    const { low, high, floor, ceiling } = element.dataset;
    const bounds = { low: Number(low), high: Number(high), floor: Number(floor), ceiling: Number(ceiling) };
    this.#panels = [...element.querySelectorAll("[data-loss]")].map((each) => new Panel(each, bounds));
    this.#slider.addEventListener("input", () => this.#draw());
    for (const panel of this.#panels) {
      panel.svg.addEventListener("pointerdown", (event) => this.#take(event, panel));
      panel.svg.addEventListener("pointermove", (event) => this.#drag(event, panel));
    }
    this.#draw();
  }

  /** @type {(event: PointerEvent, panel: Panel) => void} */
  #take(event, panel) {
    if (event.button !== 0) return;
    panel.svg.setPointerCapture(event.pointerId);
    this.#drag(event, panel);
  }

  /** @type {(event: PointerEvent, panel: Panel) => void} */
  #drag(event, panel) {
    if (!panel.svg.hasPointerCapture(event.pointerId)) return;
    this.#slider.value = `${panel.locate(event)}`;
    this.#draw();
  }

  #draw() {
    const x = this.#slider.valueAsNumber;
    this.#element.dataset.touch = `${x}`;
    /** @type {Element} */ (this.#slider.nextElementSibling).textContent = fixed(x, 2);
    for (const panel of this.#panels) panel.draw(x);
  }
}
