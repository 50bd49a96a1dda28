// The waterfall of one exchange: its moments, every gap between content chunks, the longest
// stall, what the server says of its own time, and the attempts before it.
import { element, drawing, find, row, number, duration, known, clock } from "./text.js";

const width = 1000, left = 130, right = 90;

export class Waterfall {
  #box = find("#waterfall");
  #opener = null;

  constructor() {
    this.#box.addEventListener("keydown", (e) => { if (e.key === "Escape") this.close(); });
  }

  close() {
    this.#box.hidden = true;
    this.#box.replaceChildren();
    const again = this.#opener && find(`[data-exchange="${CSS.escape(this.#opener)}"]`);
    (again ?? find("#exchanges")).focus();
  }

  // open asks for the exchange and shows it.
  async open(id) {
    this.#opener = id;
    let answer;
    try {
      answer = await fetch("/api/v1/exchanges/" + encodeURIComponent(id), { cache: "no-store" });
    } catch {
      answer = { ok: false };
    }
    const content = answer.ok ? this.#content(await answer.json()) : [element("p", {}, "headway does not keep this exchange any more.")];
    const close = element("button", { type: "button", class: "close" }, "Close");
    close.addEventListener("click", () => this.close());
    this.#box.replaceChildren(close, ...content);
    this.#box.hidden = false;
    this.#box.focus();
    this.#box.scrollIntoView({ block: "nearest" });
  }

  #content(x) {
    const words = [x.operation, x.status, x.outcome, x.error_type].filter(Boolean).join(" · ");
    return [
      element("h3", { id: "waterfall-title" }, element("bdi", {}, x.model || x.path_class || x.upstream), `, ${clock(new Date(x.start))}`),
      element("p", { class: "aside" }, `${words} · ${x.upstream}` + (x.attempt ? ` · attempt ${x.attempt}` + (x.joined_by ? `, joined by ${x.joined_by}` : "") : "") + (x.elapsed_s ? ` · began ${duration(x.elapsed_s)} after the call` : "")),
      chart(x), steps(x), facts(x),
    ];
  }
}

// bars are the spans of the waterfall: name, from, to, class.
function bars(x) {
  const at = Object.fromEntries(x.steps.map((s) => [s.name, s.at_s])), out = [];
  const add = (name, from, to, kind) => { if (from !== undefined && to !== undefined && to >= from) out.push([name, from, to, kind]); };
  const sent = at["request sent"] ?? at["request read"];
  add("request", 0, sent, "request");
  add("to the head", sent ?? 0, at["response head"], "wait");
  add("to the first event", at["response head"], at["first event"] ?? at["first byte"], "wait");
  add("to the first token", at["first event"] ?? at["first byte"], at["first token"], "wait");
  if (at["first answer"] > at["first token"]) add("reasoning", at["first token"], at["first answer"], "reason");
  add("tokens", at["first token"], at["last token"], "tokens");
  add("to the end", at["last token"] ?? at["response head"] ?? sent ?? 0, at.end, "rest");
  let from = sent ?? 0; // the server's own times, one after the other
  for (const part of x.engine ?? []) {
    add("server: " + part.name, from, from + part.took_s, "engine");
    from += part.took_s;
  }
  return out;
}

function chart(x) {
  const all = bars(x), end = Math.max(x.e2e_s, 1e-6, ...all.map((b) => b[2])), high = 22;
  const at = (s) => left + (s / end) * (width - left - right);
  const svg = drawing("svg", { viewBox: `0 0 ${width} ${all.length * high + 34}`, class: "fall", role: "img" },
    drawing("title", {}, all.map(([name, from, to]) => `${name}: from ${duration(from)} for ${duration(to - from)}`).join("; ")));
  all.forEach(([name, from, to, kind], i) => {
    const y = i * high;
    svg.append(drawing("text", { x: left - 8, y: y + 15, "text-anchor": "end" }, name),
      drawing("rect", { x: at(from), y: y + 3, width: Math.max(1.5, at(to) - at(from)), height: high - 6, class: kind }),
      drawing("text", { x: Math.min(at(to) + 6, width - right + 6), y: y + 15 }, duration(to - from)));
    if (kind !== "tokens") return;
    for (const ms of x.arrived_ms) svg.append(drawing("rect", { x: at(ms / 1000) - 0.5, y: y + 3, width: 1, height: high - 6, class: "arrival" }));
    if (x.stall) svg.append(drawing("rect", { x: at(x.stall.at_s), y: y + 8, width: Math.max(2, at(x.stall.at_s + x.stall.wait_s) - at(x.stall.at_s)), height: high - 16, class: "stall" }));
  });
  const y = all.length * high + 8;
  for (let i = 0; i <= 4; i++) {
    const s = (end * i) / 4;
    svg.append(drawing("line", { x1: at(s), x2: at(s), y1: 0, y2: y, class: "rule" }), drawing("text", { x: at(s), y: y + 16, "text-anchor": "middle" }, i ? duration(s) : "0"));
  }
  return svg;
}

function steps(x) {
  return element("table", { class: "steps" }, element("caption", {}, "Step by step"),
    element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "moment"), element("th", { scope: "col", class: "n" }, "after"))),
    element("tbody", {}, ...x.steps.map((s) => row(s.name, number(s.at_s ? duration(s.at_s) : "0")))));
}

function facts(x) {
  const term = (name, value) => (value ? [element("dt", {}, name), element("dd", {}, value)] : []);
  const parts = (all) => (all ?? []).map((p) => `${p.name} ${duration(p.took_s)}`).join(", ");
  return element("dl", { class: "facts" },
    ...term("gaps (ITL)", x.itl && `p50 ${duration(x.itl.p50_s)}, p99 ${duration(x.itl.p99_s)}, longest ${duration(x.itl.max_s)}`),
    ...term("content chunks", x.chunks > x.arrived_ms.length ? `${known(x.chunks)}, the first ${known(x.arrived_ms.length)} are drawn` : known(x.chunks)),
    ...term("longest stall", x.stall ? `${duration(x.stall.wait_s)} after ${duration(x.stall.at_s)}, caused by the ${x.stall.by}` : "none of a second"),
    ...term("headway waited for", parts(x.waited)),
    ...term("server's own times", parts(x.engine)),
    ...term("tokens", `${known(x.input_tokens)} in, ${known(x.output_tokens)} out${x.usage_source ? ` (${x.usage_source})` : ""}`),
    ...term("missed", (x.missed ?? []).join(", ")),
    ...term("limits of the request", (x.request_limits ?? []).join(", ")),
    ...term("labels", Object.entries(x.labels ?? {}).map(([name, value]) => `${name} ${value}`).join(", ")),
    ...term("trace", x.trace_id),
    ...term("notes", (x.notes ?? []).join(", ")));
}
