// Runs before the page's own scripts, and keeps in `seen` what bench/browser.py asks for.
window.seen = { points: [], tasks: [], gaps: [], paint: 0, shift: 0 };

// When each point that came was due and when it stood on the canvas: Chart.js clears a canvas
// before it draws, and a message posted then arrives when the browser is done with that frame.
let waiting = [];
const listen = EventSource.prototype.addEventListener;
EventSource.prototype.addEventListener = function (name, listener) {
  listen.call(this, name, (event) => {
    if (name === "points") waiting.push(...(JSON.parse(event.data).values.due ?? []));
    listener(event);
  });
};
const drawn = new MessageChannel();
drawn.port1.onmessage = ({ data }) => {
  const now = (performance.timeOrigin + performance.now()) / 1000;
  for (const due of data) seen.points.push([due, now]);
};
const clear = CanvasRenderingContext2D.prototype.clearRect;
CanvasRenderingContext2D.prototype.clearRect = function (...place) {
  if (waiting.length) drawn.port2.postMessage(waiting);
  waiting = [];
  clear.apply(this, place);
};

const observe = (type, note) =>
  new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({ type, buffered: true });
observe("longtask", ({ startTime, duration }) => seen.tasks.push([startTime, duration]));
observe("largest-contentful-paint", ({ startTime }) => (seen.paint = startTime));
observe("layout-shift", ({ value, hadRecentInput }) => (seen.shift += hadRecentInput ? 0 : value));

let before = 0;
requestAnimationFrame(function frame(now) {
  if (before) seen.gaps.push([now, now - before]);
  before = now;
  requestAnimationFrame(frame);
});
