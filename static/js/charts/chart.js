// A chart of one metric, or of two that bound a band. It knows two verbs, append and reset; which
// place, which arm and which pinned run a reader looks at, its figure's look says.
import { nameOf, xAxis, yAxis } from "./axes.js";
import { curvesOf, FAINT, levelOf, pinnedOf, startOf, stepsBack } from "./lines.js";
import { drawNames, roomFor } from "./curve-names.js";
import { Frame, guarded } from "../dom/frame.js";
import { isVisible } from "../dom/in-view.js";
import { count, numeral, percent } from "../text/numbers.js";
import { Pace } from "../dom/throttle.js";
import { drawCrossHair, strokeOf, withAlpha } from "./line-style.js";
import { summary } from "./summary.js";
import { nearest, Told } from "./chart-model.js";
import { words } from "../text/words.js";

/**
 * @typedef {import("./axes.js").Chart} Chart
 * @typedef {import("./line-style.js").DrawnPoint} DrawnPoint
 * @typedef {import("../figure/views.js").Run} Run
 * @typedef {DrawnPoint & { upper?: number | null }} Reading
 * @typedef {[string, Reading | undefined][]} Readings
 */

// A chart's name says what it shows. Who reads it should not find another at every point.
const NAMED_EVERY_MS = 1000;

export class View {
  #chart;
  #element;
  #known = false; // which run is shown
  #keys;
  #range;
  #share;
  /** @type {(import("./axes.js").Place & { names: [number, string][] }) | null} */
  #place; // of the horizontal axis, {low, high, ticks, names}; null for steps
  #metrics;
  #look;
  /** @type {import("../figure/selection.js").Choice<number>} */
  #where; // the place on its axis that is looked at, a choice
  #singles = false; // each seed's line, and no band
  #steps = 0;
  /** @type {Run["levels"]} */
  #levels = [];
  /** @type {Told} */
  #told; // of the run that is shown
  /** @type {{ id: string, told: Told }[]} */
  #pins = []; // of pinned runs: {id, told}
  /** @type {Map<string, DrawnPoint[][]>} */
  #lines = new Map(); // arm → its drawn points, and those of the upper edge
  #stale = true; // what was told is not what is drawn
  #frame;
  /** @type {ReturnType<typeof setTimeout> | 0} */
  #naming = 0; // the timer of the next name
  #values;
  #life;

  // element: [data-chart]; keys: arm → {label, line}, `line` being its path in the legend; life:
  // {signal, failed}, after whose signal nothing is drawn.
  /**
   * @param {HTMLElement} element
   * @param {import("../figure/views.js").Keys} keys
   * @param {import("../figure/selection.js").Look} look
   * @param {Partial<import("../dom/frame.js").Life>} life
   */
  constructor(element, keys, look, life = {}) {
    this.#life = life;
    this.#values = new Pace(guarded(() => this.#read(), life));
    this.#frame = new Frame(() => this.#paint(), life);
    this.#element = element;
    this.#keys = keys;
    this.#look = look;
    const { chart, upper, log, low, high, share, place } = element.dataset;
    this.#metrics = upper === undefined ? [chart] : [chart, upper];
    this.#place = place === undefined ? null : JSON.parse(place);
    this.#range = { log: log !== undefined, low: Number(low), high: Number(high) };
    this.#share = share !== undefined;
    this.#told = new Told(this.#metrics);
    this.#where = this.#place ? look.along(element.dataset.xLabel) : look.step;
    Chart.getChart(this.#canvas)?.destroy(); // of a view that failed
    this.#chart = new Chart(this.#canvas, this.#configuration());
    if (!this.#chart.ctx) throw new Error("no canvas context");
    life.signal?.addEventListener("abort", () => {
      clearTimeout(this.#naming);
      this.#values.cancel();
      this.#chart.destroy();
    });
    this.#listen();
  }

  /** @type {(run: Run) => void} */
  reset({ steps, levels, singles, pins }) {
    this.#known = true;
    this.#singles = singles;
    this.#steps = steps;
    this.#levels = levels.filter(({ metric }) => metric === this.#metrics[0]);
    this.#told = new Told(this.#metrics);
    this.#pins = pins.map(({ id, events }) => {
      const told = new Told(this.#metrics);
      for (const event of events) told.append(event);
      return { id, told };
    });
    this.#schedule();
  }

  /** @type {(event: import("../figure/run-events.js").DrawnEvent) => void} */
  append(event) {
    this.#told.append(event);
    this.#schedule();
  }

  get #plot() {
    return this.#element.querySelector(".plot");
  }

  get #canvas() {
    return this.#element.querySelector("canvas");
  }

  #listen() {
    const again = () => this.#schedule();
    const { signal } = this.#life;
    addEventListener("themechange", again, { signal });
    this.#element.closest("details")?.addEventListener("toggle", again, { signal });
    this.#look.arm.addEventListener("change", again, { signal });
    this.#look.run.addEventListener("change", again, { signal });
    this.#where.addEventListener("change", () => this.#schedule(false), { signal });
    const canvas = this.#canvas;
    canvas.addEventListener("pointermove", (event) => this.#where.pass(this.#at(event)), { signal });
    for (const end of ["pointerleave", "pointercancel"]) canvas.addEventListener(end, () => this.#where.pass(null), { signal });
    canvas.addEventListener("click", (event) => this.#where.toggle(this.#at(event)), { signal });
    canvas.addEventListener("contextrestored", () => this.#restore(), { signal });
    // Some browsers throw a canvas away that nobody sees, and say nothing.
    document.addEventListener("visibilitychange", () => document.hidden || this.#restore(), { signal });
    if (this.#place) this.#slide();
  }

  // Steps have a slider. A chart over something else is one itself, and shows the step chosen there.
  #slide() {
    this.#look.step.addEventListener("change", () => this.#schedule(), { signal: this.#life.signal });
    const plot = this.#plot;
    Object.assign(plot, { role: "slider", tabIndex: 0, ariaLabel: plot.dataset.slides });
    plot.addEventListener("keydown", (event) => this.#key(event), { signal: this.#life.signal });
  }

  // The browser threw the canvas away, and gave it back empty: its scale is gone, too.
  #restore() {
    const ratio = this.#chart.currentDevicePixelRatio;
    this.#chart.ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#schedule();
  }

  // The place under the pointer: the nearest one at which this chart has a value.
  /** @type {(event: MouseEvent) => number} */
  #at({ clientX }) {
    const { x } = this.#chart.scales;
    const value = x.getValueForPixel(clientX - this.#canvas.getBoundingClientRect().left);
    return this.#measured(Math.min(Math.max(value, x.min), x.max));
  }

  // The place of this chart's values nearest to that one; itself where the lines don't come near it.
  /** @type {(place: number) => number} */
  #measured(place) {
    const points = this.#points;
    const index = nearest(points, place);
    return index === null ? Math.round(place) : points[index].x;
  }

  // The places at which any line has a value, in their order.
  /** @type {DrawnPoint[]} */
  get #points() {
    const points = [...this.#lines.values()].flatMap(([line]) => line.filter(({ value }) => value !== null));
    return [...new Map(points.map((point) => [point.x, point])).values()].sort((a, b) => a.x - b.x);
  }

  // Where this chart shows what is looked at. Another chart of the figure, or its slider, may have
  // chosen a step at which this one's metric was not measured.
  get #here() {
    return this.#where.value === null ? null : this.#measured(this.#where.value);
  }

  /** @type {(event: KeyboardEvent) => void} */
  #key(event) {
    const points = this.#points;
    const last = points.length - 1;
    const here = (this.#where.value === null ? last : nearest(points, this.#where.value)) ?? 0;
    /** @type {Record<string, number>} */
    const keys = { ArrowLeft: here - 1, ArrowDown: here - 1, ArrowRight: here + 1, ArrowUp: here + 1, Home: 0, End: last };
    const to = keys[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    this.#where.hold(points[Math.min(Math.max(to, 0), last)].x);
  }

  // Before there is a run, the recorded drawing stays.
  #schedule(stale = true) {
    if (!this.#known) return;
    this.#stale ||= stale;
    this.#frame.soon();
  }

  // Nothing of what can't be seen.
  #paint() {
    if (!isVisible(this.#element)) return;
    if (this.#stale) {
      this.#draw();
      this.#values.soon();
    } else {
      this.#chart.render();
      this.#values.now();
    }
    this.#stale = false;
  }

  #draw() {
    const plot = this.#plot;
    plot.dataset.live = "";
    const runs = [this.#told, ...this.#pins.map(({ told }) => told)];
    if (this.#place) for (const told of runs) told.choose(this.#look.step.value);
    const soft = getComputedStyle(plot).color;
    const rule = getComputedStyle(plot).borderTopColor;
    const { x, y } = this.#chart.options.scales;
    for (const axis of [x, y]) {
      axis.ticks.color = soft;
      axis.title.color = soft;
      axis.grid.color = rule;
      axis.border.color = rule;
    }
    if (!this.#place) x.max = Math.max(this.#steps, ...runs.map(({ end }) => end));
    else if (this.#place.high === null) x.max = Math.max(...runs.map(({ high }) => Number(high))) || undefined;
    const arms = [...this.#keys];
    const shown = { told: this.#told, range: this.#range, look: this.#look, singles: this.#singles };
    const curves = arms.map(([arm, key]) => ({ arm, ...curvesOf(arm, key, shown) }));
    this.#lines = new Map(curves.map(({ arm, middles }) => [arm, middles]));
    this.#chart.data.datasets = [
      ...curves.flatMap(({ datasets }) => datasets),
      ...(this.#told.moved ? arms.map(([arm, key]) => startOf(arm, key, shown)) : []),
      ...this.#pins.flatMap((pin) => arms.flatMap(([arm, key]) => pinnedOf(arm, key, pin, shown))),
      ...this.#levels.map((level) => levelOf(level, [x.min, x.max], soft, this.#range)),
    ];
    this.#chart.options.layout.padding.right = roomFor(
      arms.map(([, { label }]) => label),
      this.#chart,
    );
    this.#chart.update("none");
    this.#naming ||= setTimeout(
      guarded(() => this.#name(), this.#life),
      NAMED_EVERY_MS,
    );
  }

  #name() {
    this.#naming = 0;
    const { title, unit, xLabel } = this.#element.dataset;
    const arms = [...this.#keys].map(([arm, { label }]) => ({ label, arm, middles: this.#told.middles(arm) }));
    /** @type {(index: number, name: (key: { label: string }) => string) => import("./summary.js").Line[]} */
    const lines = (index, name) => arms.map(({ label, middles }) => ({ label: name({ label }), points: middles[index] }));
    const starts = arms.map(({ label, arm }) => ({ label: words.charts.atFirst({ label }), points: this.#told.start(arm) }));
    this.#canvas.ariaLabel = summary({
      title,
      unit,
      share: this.#share,
      xTitle: arms.some(({ arm }) => this.#told.several(arm)) ? words.charts.medians({ axis: xLabel }) : xLabel,
      names: this.#place?.names,
      lines: [
        ...lines(0, ({ label }) => label),
        ...(this.#metrics.length > 1 ? lines(1, words.charts.upperEdge) : []),
        ...(this.#told.moved ? starts : []),
      ],
      levels: this.#levels,
    });
    if (this.#place) this.#plot.ariaDescription = this.#canvas.ariaLabel;
  }

  // Of each arm, what its line has at the place looked at, or else at its end: {x, y, value, upper}.
  /** @type {() => Readings} */
  #readings() {
    const place = this.#here;
    return [...this.#keys.keys()].map((arm) => {
      const [points, uppers] = this.#lines.get(arm) ?? [[]];
      const index = place === null ? points.findLastIndex(({ value }) => value !== null) : nearest(points, place);
      const point = index === null ? undefined : points[index];
      return [arm, point && { ...point, upper: uppers?.[Number(index)]?.value }];
    });
  }

  // Writes the values above the chart.
  #read() {
    const readings = this.#readings();
    const at = this.#words(readings);
    const list = this.#element.querySelector("[data-values]");
    write(list.querySelector("[data-at]"), at);
    for (const [arm, reading] of readings) {
      const value = list.querySelector(`[data-value-of="${arm}"]`);
      write(value, reading ? this.#value(reading) : "–");
      value.parentElement?.toggleAttribute("data-faint", stepsBack(this.#look, arm));
    }
    if (this.#place) {
      const plot = this.#plot;
      const values = readings.map(
        ([arm, reading]) => `${this.#keys.get(arm)?.label} ${reading ? this.#value(reading) : words.charts.nothing}`,
      );
      plot.ariaValueText = words.charts.said({ at, values });
      plot.ariaValueNow = `${this.#here ?? readings[0]?.[1]?.x ?? 0}`;
      plot.ariaValueMin = this.#chart.scales.x.min;
      plot.ariaValueMax = this.#chart.scales.x.max;
    }
  }

  // Where that is: the place looked at, or the end if all lines have got to the same.
  /** @type {(readings: Readings) => string} */
  #words(readings) {
    const ends = new Set(readings.map(([, reading]) => reading?.x).filter((x) => x !== undefined));
    const x = this.#here ?? (ends.size === 1 ? [...ends][0] : null);
    if (x === null) return ends.size ? words.charts.latest : "–";
    if (!this.#place) return words.charts.step({ step: count(x) });
    const place = nameOf(this.#place, x) ?? numeral(x, 3);
    const step = this.#told.step === null ? null : count(this.#told.step);
    const axis = this.#element.dataset.xLabel;
    return step === null ? words.charts.place({ axis, place }) : words.charts.placeAtStep({ axis, place, step });
  }

  /** @type {(reading: Reading) => string} */
  #value({ value, upper }) {
    if (value === null) return "–";
    /** @type {(number: number) => string} */
    const text = (number) => (this.#share ? percent(100 * number, 1) : numeral(number, 3));
    return upper === undefined || upper === null ? text(value) : words.charts.range({ low: text(value), high: text(upper) });
  }

  // A line across all arms where the reader looks, and a dot on each arm's own line.
  // The plugin calls it inside `new Chart`, too, so that all it reads of the chart is its argument's.
  /** @type {(chart: Chart) => void} */
  #drawCrossHair(chart) {
    const dots = this.#readings().flatMap(([arm, reading]) => {
      const key = this.#keys.get(arm);
      if (!key || !reading || reading.y === null || stepsBack(this.#look, arm)) return [];
      return [{ x: reading.x, y: reading.y, colour: strokeOf(key.line).colour }];
    });
    if (this.#here !== null) drawCrossHair(chart, this.#here, dots);
  }

  // Each curve's name where the curve ends, or has got to.
  /** @type {(chart: Chart) => void} */
  #drawNames(chart) {
    if (!chart.options.layout.padding.right) return;
    const ends = [...this.#keys].flatMap(([arm, { label: name, line }]) => {
      const last = this.#lines
        .get(arm)
        ?.at(-1)
        ?.findLast(({ value }) => value !== null);
      const { colour } = strokeOf(line);
      return last ? [{ name, x: last.x, y: Number(last.y), colour: stepsBack(this.#look, arm) ? withAlpha(colour, FAINT) : colour }] : [];
    });
    drawNames(chart, ends);
  }

  #configuration() {
    const font = { family: getComputedStyle(this.#element).fontFamily, size: 12 };
    const { label, xLabel } = this.#element.dataset;
    /** @type {(chart: Chart) => void} */
    const drawCrossHair = (chart) => this.#drawCrossHair(chart);
    /** @type {(chart: Chart) => void} */
    const drawNames = (chart) => this.#drawNames(chart);
    return {
      type: "line",
      data: { datasets: [] },
      plugins: [
        { id: "crossHair", afterDatasetsDraw: drawCrossHair },
        { id: "names", afterDatasetsDraw: drawNames },
      ],
      options: {
        animation: false,
        onResize: () => this.#schedule(), // the room for names depends on the width
        font,
        parsing: false,
        normalized: true,
        maintainAspectRatio: false,
        clip: 6,
        layout: { padding: { right: 0 } },
        events: [],
        elements: { line: { borderJoinStyle: "round" } },
        scales: {
          x: xAxis({ title: xLabel, place: this.#place, font }),
          y: yAxis({ title: label, range: this.#range, share: this.#share, font }),
        },
        plugins: { legend: { display: false }, tooltip: { enabled: false } },
      },
    };
  }
}

/** @type {(element: Element, text: string) => void} */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
