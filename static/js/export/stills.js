// What stands still: pictures of every view of a figure's recorded run, and of every stage of a widget.
// app/article/still_recorder.py calls these in a browser, keeps what they return as files, and the page shows
// those without scripts, on paper, and until its own views are alive.
import { words } from "../text/words.js";
import { standalone } from "./standalone.js";
import { darkStyle, inTheme, paintOf } from "./themes.js";
import { drawing, PLOT, plotOf, SHEET } from "./chart-svg.js";

/**
 * @typedef {(widget: HTMLElement) => void} Act
 * @typedef {{ drawings: string, stages: Act[], label: (widget: HTMLElement, svg: SVGSVGElement, stage: number) => string, style?: string }} Widget
 * @typedef {import("./standalone.js").Standalone} Standalone
 * @typedef {Standalone & { name: string, alt: string, label: string }} Stage
 */

const SIZE = 13;
// Letters of pictures that a telephone shows at two thirds of their size or less.
const SMALL_WIDGET = "@media (max-width:480px){text{font-size:25px}}";
const SMALL_SCREEN = "@media (max-width:420px){text{font-size:17px}}";
// Letters of formulas, which stand here as any others.
const MATHS = /[\u{1d400}-\u{1d7ff}]/gu;
/** @type {(selector: string) => Act} */
const press = (selector) => (widget) => widget.querySelector(selector).click();
/** @type {(element: Element, selector: string) => string} */
const text = (element, selector) =>
  element
    .querySelector(selector)
    .innerText.replace(MATHS, (letter) => letter.normalize("NFKC"))
    .replace(/\s+/g, " ");
/** @type {(svg: Element) => Element} */
const around = (svg) => /** @type {Element} */ (svg.parentElement);
// Of each widget: its drawings, what leads from stage to stage, and what stands below a drawing.
/** @type {Record<string, Widget>} */
const WIDGETS = {
  "widget-batch": {
    drawings: ".stage svg",
    stages: [press("[data-restart]"), press("[data-to='1']"), press("[data-to='2']")],
    label: (widget) => text(widget, "[data-status]"),
    style: SMALL_WIDGET,
  },
  "widget-train-or-test": {
    drawings: ".strips",
    stages: [press("[data-restart]"), press("[data-swap]"), press("[name=layer-mode][value=test]")],
    label: (widget, svg, stage) =>
      [words.stills.training, words.stills.otherMates, words.stills.testing][stage]({ output: text(widget, "[data-result]") }),
    style: SMALL_WIDGET,
  },
  "widget-bowl": {
    drawings: "[data-stage] .bowl > svg",
    stages: [press("[data-restart]"), press("[data-toggle]")],
    label: (widget) =>
      `κ = ${text(widget, "[data-show=condition]")}; steps: ${text(widget, "[data-show=steps]")}. ${text(widget, "[data-status]")}`,
  },
  "drawing-lipschitz": {
    drawings: ".loss svg",
    stages: [() => {}],
    label: (widget, svg) => `${text(around(svg), "h3")}: ${text(around(svg), "p")}`,
  },
};

export const widgets = Object.keys(WIDGETS);

// The pictures of a widget: [{name, svg, width, height, alt, label}, …].
/** @type {(widget: string) => Stage[]} */
export function stagesOf(widget) {
  const { drawings, stages, label, style } = WIDGETS[widget];
  const element = /** @type {HTMLElement} */ (document.getElementById(widget));
  /** @type {Stage[]} */
  const pictures = [];
  for (const [stage, act] of stages.entries()) {
    act(element);
    /** @type {NodeListOf<SVGSVGElement>} */
    const shown = element.querySelectorAll(drawings);
    for (const svg of shown) {
      const said = label(element, svg, stage);
      const alt = `${svg.ariaLabel}. ${said}`;
      pictures.push({ name: `${pictures.length + 1}`, alt, label: said, ...standalone(svg, { description: alt, style }) });
    }
  }
  return pictures;
}

// The pictures of a figure whose views have all been drawn: [{name, svg, width, height, alt, at, values}, …].
/** @type {(slug: string) => object[]} */
export function viewsOf(slug) {
  const places = [...document.querySelectorAll(`[data-of="${slug}"] [data-picture]`)];
  return places.map((place) => ({ name: place.dataset.picture, ...(place.querySelector("canvas") ? chartIn(place) : drawingIn(place)) }));
}

/** @type {(place: HTMLElement) => object} */
function drawingIn(place) {
  /** @type {SVGSVGElement} */
  const svg = place.querySelector("svg[role=img]");
  const alt = svg.ariaLabel ?? "";
  return { alt, at: place.querySelector("[data-at]")?.textContent ?? "", ...standalone(svg, { description: alt }) };
}

/** @type {(place: HTMLElement) => object} */
function chartIn(place) {
  const view = place.closest("[data-view]");
  const canvas = place.querySelector("canvas");
  const alt = canvas.ariaLabel;
  const keys = [...document.querySelector(`[data-figure="${view.dataset.of}"]`).querySelectorAll(".legend path")];
  const read = () => {
    const { color, borderTopColor } = getComputedStyle(place);
    return [color, borderTopColor, ...keys.map((key) => getComputedStyle(key).stroke)].map((colour) => paintOf(colour).colour);
  };
  const light = inTheme("light", read);
  const dark = inTheme("dark", read);
  const [ink, rule] = light;
  const content = plotOf(Chart.getChart(canvas), PLOT, { size: SIZE, upright: false, id: "plot", ink, rule });
  const style = darkStyle(content, new Map(light.map((colour, index) => [colour, dark[index]])), SMALL_SCREEN);
  const values = Object.fromEntries(
    [...view.querySelectorAll("[data-value-of]")].map(({ dataset, textContent }) => [dataset.valueOf, textContent]),
  );
  const at = view.querySelector("[data-at]").textContent;
  const svg = drawing({ ...SHEET, size: SIZE, description: alt, id: "dark", style }, content);
  return { svg, ...SHEET, alt, at, values };
}
