// On paper, a chart is a drawing of what it shows: vectors, in the colours of light paper. Loaded
// with the first chart, since nothing can be waited for once the reader prints.
import { inTheme } from "./themes.js";
import { drawing, PLOT, plotOf, SHEET } from "./chart-svg.js";

const SIZE = 17; // of letters that are legible at half the width of a page

// Colours of now → those of the light page.
/** @type {() => { colour: (text: string) => string, ink: string, rule: string }} */
function onLightPaper() {
  const root = document.documentElement;
  const plot = document.querySelector(".plot");
  const keys = [...document.querySelectorAll(".legend path")];
  const read = () => {
    const { color, borderTopColor } = getComputedStyle(plot);
    return [getComputedStyle(root).backgroundColor, color, borderTopColor, ...keys.map((key) => getComputedStyle(key).stroke)];
  };
  const now = read();
  const light = inTheme("light", read);
  const [, soft, rule] = light;
  const known = new Map(now.map((colour, index) => [channels(colour).slice(0, 3).join(" "), channels(light[index])]));
  /** @type {(text: string) => string} */
  const colour = (text) => {
    const [red, green, blue, alpha = 1] = channels(text);
    const own = known.get([red, green, blue].join(" ")) ?? [red, green, blue];
    return `rgb(${own.slice(0, 3).join(" ")} / ${alpha})`;
  };
  return { colour, ink: soft, rule };
}

/** @type {(colour: string) => number[]} */
const channels = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);

function print() {
  const colours = onLightPaper();
  document.querySelectorAll(".plot[data-live]").forEach((plot, index) => {
    const canvas = plot.querySelector("canvas");
    const chart = Chart.getChart(canvas);
    if (!chart) return;
    const shape = { size: SIZE, upright: false, id: `printed-${index}`, ...colours };
    const text = drawing({ ...SHEET, size: SIZE, description: canvas.ariaLabel }, plotOf(chart, PLOT, shape));
    const svg = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
    svg.classList.add("printed");
    plot.append(document.adoptNode(svg));
    plot.dataset.printed = "";
  });
}

function clear() {
  document.querySelectorAll(".printed").forEach((svg) => {
    delete svg.parentElement?.dataset.printed;
    svg.remove();
  });
}

addEventListener("beforeprint", print);
addEventListener("afterprint", clear);
