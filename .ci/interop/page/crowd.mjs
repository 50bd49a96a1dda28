// Looks at the live page for some seconds while a thousand streams run, and uses it meanwhile. It prints as JSON how many
// lanes there are, how often the page paints, how long its longest task took, and what its process costs.
//   node crowd.mjs CHROMIUM PAGE STREAMS SECONDS
import { createRequire } from "node:module";

const [executablePath, page, streams, seconds] = process.argv.slice(2);
const { chromium } = createRequire(process.env.PAGE_TOOLS + "/")("playwright-core");
const patience = 60_000;

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"], timeout: patience });
const tab = await browser.newPage({ viewport: { width: 1280, height: 900 } });
tab.setDefaultTimeout(patience);
const problems = [];
tab.on("pageerror", (e) => problems.push(e.message));
tab.on("console", (m) => { if (m.type() === "error") problems.push(m.text()); });
await tab.goto(page);
await tab.waitForFunction((n) => Number(document.querySelector("#open").textContent.replaceAll(",", "")) >= n, Number(streams));
await tab.waitForTimeout(2000); // the first drawing of all lanes is not the rule

// cpu is the CPU time of the processes that draw pages, in seconds.
const session = await browser.newBrowserCDPSession();
const cpu = async () => (await session.send("SystemInfo.getProcessInfo")).processInfo
  .filter((p) => p.type === "renderer").reduce((sum, p) => sum + p.cpuTime, 0);

await tab.evaluate(() => {
  window.seen = { frames: 0, longest: 0 };
  const count = () => { window.seen.frames++; requestAnimationFrame(count); };
  requestAnimationFrame(count);
  new PerformanceObserver((list) => { for (const e of list.getEntries()) window.seen.longest = Math.max(window.seen.longest, e.duration); }).observe({ type: "longtask" });
});
const from = Date.now(), before = await cpu();
await tab.waitForTimeout(seconds * 1000);
const after = await cpu(), until = Date.now();
const seen = await tab.evaluate(() => window.seen);

// drawn counts the lanes of the strip: rows of pixels that are more than paper.
const drawn = () => {
  const c = document.querySelector("#lanes"), pen = c.getContext("2d");
  let n = 0;
  for (let y = 0; y < c.height; y += devicePixelRatio) {
    const row = pen.getImageData(0, y, c.width, 1).data;
    for (let i = 4; i < row.length; i += 4) if (row[i] !== row[0] || row[i + 1] !== row[1]) { n++; break; }
  }
  return n;
};
const lanes = await tab.evaluate(drawn);

// The page still answers: its theme changes, it scrolls to the last lane, and draws all of them anew.
await tab.click("#theme");
await tab.waitForFunction(() => document.documentElement.dataset.theme === "light");
await tab.evaluate(() => { const s = document.querySelector("#strip"); s.scrollTop = s.scrollHeight; });
for (const end = performance.now() + patience; await tab.evaluate(drawn) < Number(streams) * 0.9; await tab.waitForTimeout(200)) {
  if (performance.now() > end) throw new Error("the lanes do not come back");
}
await browser.close();
if (problems.length) throw new Error("problems of the page:\n" + problems.join("\n"));
console.log(JSON.stringify({
  lanes, longestTaskMs: seen.longest,
  framesPerSecond: (seen.frames * 1000) / (until - from), cpu: ((after - before) * 1000) / (until - from),
}));
