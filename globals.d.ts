// What the scripts' type check (tsconfig.json) is told of the page.

// Templates and scripts change together: an element that a script looks for is there, unless the
// script asks. What it is, the selector decides, and the variable that takes it says.
interface ParentNode {
  querySelector<K extends keyof HTMLElementTagNameMap>(selectors: K): HTMLElementTagNameMap[K];
  querySelector<K extends keyof SVGElementTagNameMap>(selectors: K): SVGElementTagNameMap[K];
  querySelector<E extends Element = HTMLElement>(selectors: string): E;
  querySelectorAll<K extends keyof HTMLElementTagNameMap>(selectors: K): NodeListOf<HTMLElementTagNameMap[K]>;
  querySelectorAll<K extends keyof SVGElementTagNameMap>(selectors: K): NodeListOf<SVGElementTagNameMap[K]>;
  querySelectorAll<E extends Element = HTMLElement>(selectors: string): NodeListOf<E>;
}

interface Element {
  closest<K extends keyof HTMLElementTagNameMap>(selectors: K): HTMLElementTagNameMap[K];
  closest<E extends Element = HTMLElement>(selectors: string): E;
}

// Data attributes that templates give to every element on which scripts read them.
interface DOMStringMap {
  arm: string;
  chart: string;
  figure: string;
  label: string;
  levels: string;
  name: string;
  names: string;
  parameter: string;
  rows: string;
  runState: string;
  seed: string;
  seeds: string;
  settings: string;
  state: string;
  steps: string;
  title: string;
  trainings: string;
  unit: string;
  view: string;
  xLabel: string;
}

// htmx tells of its requests: detail.ctx is the request's context.
interface GlobalEventHandlersEventMap {
  "htmx:before:request": CustomEvent;
  "htmx:before:swap": CustomEvent;
  "htmx:after:swap": CustomEvent;
  "htmx:response:error": CustomEvent;
  "htmx:error": CustomEvent;
}

// Vendored libraries, which are plain scripts.
interface Window {
  htmx?: any;
  Chart?: any;
  d3?: any;
}

declare const Chart: any;
declare const d3: any;
declare const htmx: any;
