// Looks at the live page of a running demo in Chromium, as a person would, and breaks the demo's model server
// meanwhile. It ends with an error on the first thing that is not there.
//   node drive.mjs CHROMIUM PAGE HEADWAY MODEL [FOLDER FOR PICTURES]
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const [chromiumPath, page, headway, model, pictures] = process.argv.slice(2);
const require = createRequire(process.env.PAGE_TOOLS + "/");
const { chromium } = require("playwright-core");
const patience = 60_000;

const browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"], timeout: patience });
const tab = await browser.newPage({ viewport: { width: 1280, height: 1500 }, colorScheme: "light" });
tab.setDefaultTimeout(patience);
const problems = [], asked = new Set();
tab.on("console", (m) => { if (["error", "warning"].includes(m.type())) problems.push(m.text()); }); // violations of the policy too
tab.on("pageerror", (e) => problems.push(e.message));
tab.on("dialog", (d) => { problems.push("dialog: " + d.message()); d.dismiss(); });
tab.on("request", (r) => asked.add(new URL(r.url()).origin));

const note = (text) => console.log(`${(performance.now() / 1000).toFixed(1)} s: ${text}`);
const faults = (text) => fetch(model + "/sim/faults", { method: "PUT", body: text }).then((r) => { if (!r.ok) throw new Error("faults: " + r.status); });
const until = (what, f, ...args) => tab.waitForFunction(f, ...args).then(() => note(what), () => { throw new Error("not seen: " + what); });
const picture = async (name, options = {}) => { if (pictures) await tab.screenshot({ path: `${pictures}/${name}.png`, timeout: patience, ...options }); };

await faults("");
await tab.goto(page);
note("first paint after " + await tab.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime.toFixed(0)) + " ms");
await until("streams are under way", () => Number(document.querySelector("#open").textContent) > 0 && document.querySelectorAll("#quiet tbody td:nth-child(3)").length > 0);
const ticks = () => {
  const c = document.querySelector("#lanes"), ink = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
  let n = 0;
  for (let i = 0; i < ink.length; i += 4) if (ink[i] === 0x0b && ink[i + 1] === 0x6b && ink[i + 2] === 0x50) n++;
  return n;
};
for (const end = performance.now() + patience; await tab.evaluate(ticks) <= 50; await tab.waitForTimeout(200)) {
  if (performance.now() > end) throw new Error("not seen: ticks in the strip");
}
note("the strip has ticks");

// More lanes make the strip higher. It keeps what is drawn.
const before = await tab.evaluate(ticks);
await tab.evaluate(() => new Promise((shown) => {
  document.querySelector("#strip").style.maxHeight = "100px";
  requestAnimationFrame(() => requestAnimationFrame(shown));
}));
const after = await tab.evaluate(ticks);
if (after < before / 2) problems.push(`the strip had ${before} ticks, and ${after} when its height had changed`);
await tab.evaluate(() => { document.querySelector("#strip").style.maxHeight = ""; });

// Names that a peer chooses are text.
const name = '<img src=x onerror=alert(1)>"\u0007\u202e</td>';
await fetch(headway + "/v1/chat/completions", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ model: name, messages: [{ role: "user", content: "hi" }] }) }).then((r) => r.text());
await until("a name with markup is text", () => [...document.querySelectorAll("#list td")].some((td) => td.textContent.startsWith("<img src=x") && td.children.length === 0));

// An agent: one call asks for a tool, the next one brings the tool's result.
const tools = [{ type: "function", function: { name: "weather", parameters: { type: "object" } } }], question = { role: "user", content: "Will it rain?" };
const ask = (body) => fetch(headway + "/v1/chat/completions", {
  method: "POST", headers: { "Content-Type": "application/json", "session-id": "a-session" }, body: JSON.stringify({ model: "sim-medium", tools, ...body }),
}).then((r) => r.json());
const call = (await ask({ messages: [question], tool_choice: "required" })).choices[0].message;
await ask({ messages: [question, call, { role: "tool", tool_call_id: call.tool_calls[0].id, content: "no" }], tool_choice: "none" });
await until("the turn of an agent", () => !document.querySelector("#turns").hidden && /2 calls, 1 of tools/.test(document.querySelector("#turns").textContent));

await faults("stall=6s@12:1");
await until("a stream goes silent", () => document.querySelector("#quiet td.warn, #quiet td.bad"));
await tab.waitForTimeout(3000);
await picture("live-silence", { clip: { x: 0, y: 0, width: 1280, height: 620 } });

await faults("http=503:0.7");
await until("a call unfolds", () => document.querySelectorAll("#calls .attempt").length > 1);
await until("the goodput turns", () => document.querySelector("#slos dd b.bad") && /below/.test(document.querySelector("#news").textContent));
await until("a chain recovers or is open", () => /recovered|open/.test(document.querySelector("#calls").textContent));
await picture("live-page"); // not of a full page: Chromium would draw the page anew, without the strip

await faults("");
await tab.evaluate(() => [...document.querySelectorAll("#list tbody tr")].find((r) => r.cells[2].textContent === "ok" && r.cells[4].textContent !== "–").querySelector("button").click());
await until("the waterfall opens", () => !document.querySelector("#waterfall").hidden && document.querySelectorAll("#waterfall .arrival").length > 1 && document.activeElement.id === "waterfall");
await tab.locator("#waterfall").screenshot(pictures ? { path: `${pictures}/live-waterfall.png`, timeout: patience } : { timeout: patience });

await tab.click("#pause");
await until("it pauses", () => document.querySelector("#state").textContent === "paused");
await tab.evaluate(readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
for (const scheme of ["light", "dark"]) {
  await tab.emulateMedia({ colorScheme: scheme });
  const { violations } = await tab.evaluate(() => axe.run(document, { resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }));
  for (const v of violations) note(`axe, ${scheme}, ${v.impact}: ${v.id} (${v.nodes.length}): ${v.nodes[0].target}`);
  if (violations.some((v) => ["serious", "critical"].includes(v.impact))) problems.push("axe found serious violations");
  note(`axe, ${scheme}: ${violations.length} violations`);
}

await tab.locator("#waterfall").focus();
await tab.keyboard.press("Escape");
await until("Escape closes the waterfall", () => document.querySelector("#waterfall").hidden && document.activeElement.dataset.exchange);

if (asked.size !== 1) problems.push("the page asked " + [...asked].join(", "));
await browser.close();
if (problems.length) {
  console.error("problems of the page:\n" + problems.join("\n"));
  process.exit(1);
}
note("no problem");
