// Measures the first paint of the live page beside that of an empty page, which shows how busy the machine is: each is
// loaded in fresh contexts of one Chromium, in turns. It prints both medians in ms as JSON. First it loads the live page
// while no other file than the document arrives, and ends with an error if the browser paints nothing then.
//   node paint.mjs CHROMIUM PAGE
import { createRequire } from "node:module";
import { createServer } from "node:http";

const [executablePath, page] = process.argv.slice(2);
const { chromium } = createRequire(process.env.PAGE_TOOLS + "/")("playwright-core");
const turns = 10;

const server = createServer((_, response) => {
  response.setHeader("Content-Type", "text/html; charset=utf-8");
  response.end("<!doctype html><title>empty</title><h1>headway</h1>");
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const empty = `http://127.0.0.1:${server.address().port}/`;

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"], timeout: 60_000 });

// paint is the first contentful paint of an address in a context that has no cache, in ms since the navigation began.
// With alone, no other file than the document arrives.
async function paint(address, alone = false) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  if (alone) await context.route((url) => url.href !== address, () => {});
  const tab = await context.newPage();
  tab.setDefaultTimeout(60_000);
  await tab.goto(address, { waitUntil: "commit" });
  await tab.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length > 0);
  const at = await tab.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime);
  await context.close();
  return at;
}

const median = (all) => all.toSorted((a, b) => a - b)[all.length >> 1];

await paint(empty); // the first of a new browser is slow
await paint(page, true);
const of = { live: [], empty: [] };
for (let i = 0; i < turns; i++) {
  of.empty.push(await paint(empty));
  of.live.push(await paint(page));
}
await browser.close();
server.close();
console.error(`live ${of.live.map(Math.round).join(" ")}; empty ${of.empty.map(Math.round).join(" ")}`);
console.log(JSON.stringify({ live: median(of.live), empty: median(of.empty) }));
