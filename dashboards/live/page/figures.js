// The latencies of the last half minute beside the limits of the SLOs, and their course over
// the last minutes.
import { element, find, row, number, duration, percent, known, clock, colour, onTheme } from "./text.js";
import uPlot from "./uPlot.js";

const kept = 600; // summaries in a chart
const inWords = { ttft: "TTFT", itl_p50: "ITL", itl_p90: "ITL", itl_p99: "ITL", tpot: "TPOT", e2e: "E2E" };

// limit is the smallest limit that an SLO has for the row of that name; undefined for none.
function limit(slos, name) {
  let least;
  for (const s of slos ?? []) {
    for (const [indicator, seconds] of Object.entries(s.limits_s ?? {})) {
      if (inWords[indicator] === name && (least === undefined || seconds < least)) least = seconds;
    }
  }
  return least;
}

export class Figures {
  #charts = {};
  #times = [];
  #lines = { ttft: [[], [], []], itl: [[], [], []], goodput: [[], []] };

  constructor() {
    for (const name of Object.keys(this.#lines)) {
      new ResizeObserver(() => this.#resize(name)).observe(find("#" + name));
    }
    onTheme(() => this.#redraw());
  }

  // show shows a summary.
  show(s) {
    const w = s.window;
    find("#span").textContent = `last ${w.span_s.toFixed(0)} s`;
    find("#figures tbody").replaceChildren(...w.rows.map((r) => {
      const most = limit(s.slos, r.name), kind = most !== undefined && r.samples && r.p99_s > most ? "bad" : "";
      const cell = (v) => number(r.samples ? duration(v) : "–");
      return row(element("b", {}, r.name), cell(r.p50_s), cell(r.p90_s), number(r.samples ? duration(r.p99_s) : "–", kind), number(most === undefined ? "–" : "≤ " + duration(most)), number(known(r.samples)));
    }));
    this.#rates(s);
    this.#add(s);
  }

  #rates(s) {
    const out = s.window.output, seconds = Math.max(1, s.window.span_s);
    const tile = (value, name) => element("p", { class: "tile" }, element("b", {}, value), " ", name);
    const ends = Object.entries(s.outcomes).sort((a, b) => b[1] - a[1])
      .map(([name, n]) => element("li", {}, `${name} ${known(n)} (${percent(n / Math.max(1, s.requests))})`));
    find("#rates").replaceChildren(
      tile(s.window.requests_per_s.toFixed(1), "requests/s"),
      tile(out.known ? (out.tokens / seconds).toFixed(0) : "–", out.known < out.all ? `output tokens/s, of ${out.known} of ${out.all} answers` : "output tokens/s"),
      tile(known(s.requests), "requests since the start"),
      element("ul", { class: "outcomes", "aria-label": "How requests ended" }, ...ends),
    );
  }

  #add(s) {
    const of = (name) => s.window.rows.find((r) => r.name === name) ?? { samples: 0 };
    const ms = (r, key) => (r.samples ? r[key] * 1000 : null);
    const bound = (name) => { const l = limit(s.slos, name); return l === undefined ? null : l * 1000; };
    const slo = (s.slos ?? [])[0], minute = slo?.goodput?.[0];
    const next = {
      ttft: [ms(of("TTFT"), "p50_s"), ms(of("TTFT"), "p99_s"), bound("TTFT")],
      itl: [ms(of("ITL"), "p50_s"), ms(of("ITL"), "p99_s"), bound("ITL")],
      goodput: [minute?.ratio === undefined ? null : minute.ratio * 100, slo ? slo.objective : null],
    };
    this.#times.push(Date.parse(s.at) / 1000);
    for (const [name, values] of Object.entries(next)) values.forEach((v, i) => this.#lines[name][i].push(v));
    if (this.#times.length > kept) {
      this.#times.shift();
      for (const lines of Object.values(this.#lines)) for (const l of lines) l.shift();
    }
    for (const name of Object.keys(next)) {
      this.#draw(name);
      const [a, b] = next[name], say = (v, unit) => (v === null ? "no data" : v.toFixed(1) + unit);
      find("#" + name).setAttribute("aria-label", name === "goodput"
        ? `Goodput of ${slo?.name ?? "no SLO"}: ${say(a, " %")}, objective ${say(b, " %")}`
        : `${name.toUpperCase()}: median ${say(a, " ms")}, 99th percentile ${say(b, " ms")}`);
    }
    find("#promise").replaceChildren(...(slo
      ? [`Goodput of ${slo.name} `, element("span", {}, "last minute"), " ", element("span", { class: "limit" }, "objective")] : ["Goodput: there is no SLO"]));
  }

  #draw(name) {
    const data = [this.#times, ...this.#lines[name]];
    this.#charts[name] ? this.#charts[name].setData(data) : this.#make(name, data);
  }

  #make(name, data) {
    const good = name === "goodput";
    const line = (label, ink, more = {}) => ({ label, stroke: colour(ink), width: 1.5, points: { show: false }, ...more });
    const series = good ? [line("good", "tick"), line("objective", "silent", { dash: [6, 4] })]
      : [line("p50", "tick"), line("p99", "wait"), line("SLO", "silent", { dash: [6, 4] })];
    const axis = { stroke: colour("ink"), grid: { stroke: colour("grid"), width: 1 }, ticks: { stroke: colour("grid") }, font: "12px system-ui, sans-serif" };
    this.#charts[name] = new uPlot({
      width: find("#" + name).clientWidth || 300, height: 170, cursor: { show: false }, legend: { show: false },
      scales: { y: { range: (_, low, high) => (good ? [Math.min(low ?? 90, 90) - 2, 101] : [0, (high || 1) * 1.1]) } },
      series: [{}, ...series],
      axes: [{ ...axis, values: (_, all) => all.map((t) => clock(t * 1000)), space: 90 }, { ...axis, size: 74, values: (_, all) => all.map((v) => (good ? v + " %" : v ? duration(v / 1000) : "0")) }],
    }, data, find("#" + name));
  }

  #resize(name) { this.#charts[name]?.setSize({ width: find("#" + name).clientWidth, height: 170 }); }

  #redraw() {
    for (const [name, chart] of Object.entries(this.#charts)) {
      chart.destroy();
      delete this.#charts[name];
      if (this.#times.length) this.#draw(name);
    }
  }
}
