// The SLOs: goodput, the error budget, and what was missed; and the sentences about drift.
import { element, find, duration, percent, known, row, number } from "./text.js";

const held = new Map(); // by SLO, whether its last minute kept the objective

// showSLOs shows how the SLOs stand, and says aloud when one turns.
export function showSLOs(slos, say) {
  const cards = (slos ?? []).map((s) => card(s, say));
  find("#slos .body").replaceChildren(...(cards.length ? cards : [element("p", { class: "none" }, "No SLO: HEADWAY_SLO_FILE names a file of them")]));
}

function card(s, say) {
  const minute = s.goodput?.[0] ?? {}, ratio = minute.ratio, judged = ratio !== undefined;
  const good = judged && 100 * ratio >= s.objective;
  if (judged && held.has(s.name) && held.get(s.name) !== good) {
    say(good ? `${s.name} keeps its objective again` : `${s.name}: ${percent(ratio)} good in the last minute, below ${s.objective} %`);
  }
  if (judged) held.set(s.name, good);
  const limits = Object.entries(s.limits_s ?? {}).map(([name, v]) => `${name} ≤ ${duration(v)}`).join(", ");
  const left = s.budget?.remaining_ratio;
  const budget = left === undefined ? "nothing to judge yet" : left >= 0 ? percent(left, 0) + " left" : (1 - left).toFixed(1) + " × spent";
  const missed = Object.entries(minute.missed ?? {}).map(([name, n]) => `${name} ${known(n)}`).join(", ");
  const share = judged ? percent(ratio) + " good" : s.unmatched ? "matches no request: does its match fit them?" : "–";
  const term = (name, ...value) => [element("dt", {}, name), element("dd", {}, ...value)];
  const terms = [...term("last minute", element("b", { class: judged ? (good ? "fine" : "bad") : "" }, share))];
  if (missed) terms.push(...term("missed", missed));
  terms.push(...term("error budget", budget));
  if (s.budget?.burn_rate !== undefined) terms.push(...term("burn rate", s.budget.burn_rate.toFixed(1)));
  if (minute.good_requests_per_s !== undefined) terms.push(...term("goodput", `${minute.good_requests_per_s.toFixed(2)} requests/s`));
  return element("article", { class: "card" },
    element("h3", {}, s.name),
    element("p", { class: "aside" }, `${s.objective} % of ${{ chain: "calls", turn: "turns" }[s.judge] ?? "attempts"}${limits ? " with " + limits : ""}`),
    judged ? element("meter", { min: 0, max: 100, low: s.objective, high: s.objective, optimum: 100, value: 100 * ratio, "aria-label": `${s.name}, good of the last minute` }, share) : "",
    element("dl", {}, ...terms));
}

// showLimits shows the rate limits that upstreams told last.
export function showLimits(limits) {
  find("#limits").hidden = !(limits && limits.length);
  find("#limits tbody").replaceChildren(...(limits ?? []).map((l) => {
    const low = l.limit && l.remaining !== undefined && l.remaining < l.limit / 10;
    return row(l.upstream, l.model ?? "–", l.kind, number(known(l.remaining), low ? "bad" : ""), number(known(l.limit)), number(duration(l.reset_s)));
  }));
}

// sentences finds the texts under the key "sentence" in a document, in its order.
function sentences(value, out = []) {
  if (Array.isArray(value)) value.forEach((v) => sentences(v, out));
  else if (value && typeof value === "object") {
    for (const [key, v] of Object.entries(value)) key === "sentence" && typeof v === "string" ? out.push(v) : sentences(v, out);
  }
  return out;
}

// followDrift shows what GET /api/v1/drift says, every ten seconds, if the sidecar has it: the
// document lists the endpoints.
export async function followDrift() {
  if (!find('footer a[href="/api/v1/drift"]')) return;
  try {
    const answer = await fetch("/api/v1/drift", { cache: "no-store" });
    const all = sentences(await answer.json());
    find("#drift").hidden = all.length === 0;
    find("#drift .body").replaceChildren(...all.map((s) => element("li", {}, s)));
  } catch { /* the stream says that the sidecar is away */ }
  setTimeout(followDrift, 10_000);
}
