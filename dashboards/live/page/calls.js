// The calls that failed at least once, as they unfold: a bar for each attempt, and the time
// between attempts.
import { element, drawing, find, duration, clock } from "./text.js";

const width = 600, high = 18;

// showCalls shows the calls, the newest first.
export function showCalls(chains, now) {
  const list = (chains ?? []).slice(0, 6).map((c) => call(c, now));
  find("#calls .body").replaceChildren(...(list.length ? list : [element("li", { class: "none" }, "No call has failed so far")]));
}

function call(c, now) {
  const start = Date.parse(c.start), ends = c.steps.map((s) => (s.end ? Date.parse(s.end) : now));
  const whole = Math.max(1, ...ends.map((e) => e - start), c.open ? now - start : 0);
  const steps = c.steps.map((s) => `attempt ${s.number}: ${s.end ? (s.status || s.outcome) + (s.outcome && s.status ? " " + s.outcome : "") : "under way"}`);
  const outcome = c.open ? "open" : c.outcome;
  return element("li", { class: "call" },
    element("p", {}, element("b", { class: outcome === "recovered" ? "fine" : outcome === "open" ? "warn" : "bad" }, outcome), " ", element("bdi", {}, c.model ?? ""), " ",
      element("span", { class: "aside" }, `${clock(new Date(start))}, ${c.attempts} ${c.attempts === 1 ? "attempt" : "attempts"} in ${duration(whole / 1000)}` +
        (c.slept_s ? `, waited ${duration(c.slept_s)} between` : "") + (c.wasted_s ? `, wasted ${duration(c.wasted_s)}` : "") + (c.joined_by ? `, joined by ${c.joined_by.join(", ")}` : ""))),
    bars(c, start, ends, whole, steps));
}

function bars(c, start, ends, whole, steps) {
  const svg = drawing("svg", { viewBox: `0 0 ${width} ${high}`, class: "bars", role: "img", preserveAspectRatio: "none" }, drawing("title", {}, steps.join("; ")));
  c.steps.forEach((s, i) => {
    const x = ((Date.parse(s.start) - start) / whole) * width, wide = Math.max(3, ((ends[i] - Date.parse(s.start)) / whole) * width);
    const kind = !s.end ? "running" : s.outcome === "ok" ? "fine" : "bad";
    svg.append(drawing("rect", { x: Math.min(x, width - 3), y: 2, width: wide, height: high - 4, class: "attempt " + kind }));
  });
  return element("div", { class: "attempts" }, svg, element("span", { class: "aside" }, steps.join(" → ")));
}
