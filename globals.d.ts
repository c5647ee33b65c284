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
  closest<E extends Element = HTMLElement>(selectors: string): E;
}

// Data attributes that templates give to every element on which scripts read them.
interface DOMStringMap {
  arm: string;
  chart: string;
  label: string;
  title: string;
  unit: string;
  view: string;
  xLabel: string;
}

// Vendored libraries, which are plain scripts.
interface Window {
  Chart?: any;
  d3?: any;
}

declare const Chart: any;
declare const d3: any;
