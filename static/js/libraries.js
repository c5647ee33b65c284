// Vendored libraries, each loaded once, when something first needs it. They are plain scripts, not
// modules, and leave their names (Chart, d3) in the window.
const CHART = ["chart-4.6.1.umd.min.js"];
const CONTOUR = ["d3-array-3.2.5.min.js", "d3-contour-4.0.3.min.js"];

const loading = new Map();

function script(file) {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = new URL(`../vendor/${file}`, import.meta.url);
    element.onload = resolve;
    element.onerror = () => reject(new Error(`${file} did not load`));
    document.head.append(element);
  });
}

// One after the other: the second needs the first.
async function inOrder(files) {
  for (const file of files) {
    if (!loading.has(file)) loading.set(file, script(file));
    await loading.get(file);
  }
}

export const chartLibrary = () => inOrder(CHART);
export const contourLibrary = () => inOrder(CONTOUR);
