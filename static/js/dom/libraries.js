// Vendored libraries, loaded when something first needs them. They are plain scripts, not modules.
import { loadScript } from "./loading.js";

export const chartLibrary = () => loadScript("chart-4.6.1.umd.min.js", () => window.Chart);

// One after the other: the second needs the first.
export async function contourLibrary() {
  await loadScript("d3-array-3.2.5.min.js", () => window.d3);
  await loadScript("d3-contour-4.0.3.min.js", () => window.d3?.contours);
}
