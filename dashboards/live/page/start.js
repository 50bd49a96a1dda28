// Loads all other scripts when the page is painted, so that they cannot hold up the first paint. A tab in the background
// paints nothing, and some browsers do not tell of it: there the scripts load after half a second. The browser runs each
// script once, however often it is asked for.
const start = () => import("/live/page.js");
new PerformanceObserver(start).observe({ type: "paint", buffered: true });
setTimeout(start, 500);
