// The turns of agents: how long each took, and how much of that its models and its tools had.
import { element, drawing, find, duration, clock } from "./text.js";

const width = 600, high = 18;

// showTurns shows the turns, the open ones first, and nothing where no agent is at work.
export function showTurns(turns, now) {
  find("#turns").hidden = turns.length === 0;
  find("#turns .body").replaceChildren(...turns.slice(0, 6).map((t) => turn(t, now)));
}

function turn(t, now) {
  const start = Date.parse(t.start), whole = t.open ? Math.max(0, now - start) / 1000 : t.all_s ?? 0;
  const outcome = t.open ? "open" : t.outcome;
  const parts = `model ${duration(t.model_s)}, tools ${duration(t.tool_s)}`;
  return element("li", { class: "call" },
    element("p", {}, element("b", { class: outcome === "answered" ? "fine" : outcome === "open" ? "warn" : "bad" }, outcome), " ", element("bdi", {}, t.model ?? ""), " ",
      element("span", { class: "aside" }, `${clock(new Date(start))}, ${t.calls} ${t.calls === 1 ? "call" : "calls"}, ${t.tool_calls} of tools, in ${duration(whole)}` +
        (t.first_answer_s ? `, first answer after ${duration(t.first_answer_s)}` : "") + (t.joined_by ? `, joined by ${t.joined_by.join(", ")}` : ""))),
    element("div", { class: "attempts" }, bar(t, whole, parts), element("span", { class: "aside" }, parts)));
}

// bar shows the parts of a turn side by side: they alternate in truth.
function bar(t, whole, parts) {
  const svg = drawing("svg", { viewBox: `0 0 ${width} ${high}`, class: "bars", role: "img", preserveAspectRatio: "none" }, drawing("title", {}, parts));
  let x = 0;
  for (const [seconds, kind] of [[t.model_s ?? 0, "fine"], [t.tool_s ?? 0, "tool"]]) {
    const wide = Math.min(width - x, (seconds / Math.max(whole, 1e-3)) * width);
    svg.append(drawing("rect", { x, y: 2, width: wide, height: high - 4, class: "attempt " + kind }));
    x += wide;
  }
  return svg;
}
