// The page follows GET /api/v1/stream and hands each message to the part that shows it.
import { find } from "./text.js";
import { Lanes } from "./lanes.js";
import { Figures } from "./figures.js";
import { showSLOs, showLimits, followDrift } from "./slos.js";
import { showCalls } from "./calls.js";
import { showTurns } from "./turns.js";
import { Exchanges } from "./exchanges.js";

const lanes = new Lanes(), figures = new Figures(), exchanges = new Exchanges();
let calls = [], turns = [], clockOff = 0, paused = false, source = null;

const state = (text, kind) => { find("#state").textContent = text; find("#state").className = kind; };
const say = (text) => { find("#news").textContent = text; };

const handlers = {
  streams: (c) => { clockOff = Date.now() - c.at; lanes.change(c); },
  summary: (s) => {
    figures.show(s);
    showSLOs(s.slos, say);
    showLimits(s.rate_limits);
    if (calls.some((c) => c.open)) showCalls(calls, Date.now() - clockOff);
    if (turns.some((t) => t.open)) showTurns(turns, Date.now() - clockOff);
  },
  exchanges: (all) => exchanges.add(all),
  chains: (all) => { calls = all ?? []; showCalls(calls, Date.now() - clockOff); },
  turns: (all) => { turns = all ?? []; showTurns(turns, Date.now() - clockOff); },
};

function follow() {
  source = new EventSource("/api/v1/stream");
  source.onopen = () => { // the server tells everything from the start
    lanes.clear();
    exchanges.clear();
    state("live", "fine");
  };
  source.onerror = () => {
    const refused = source.readyState === EventSource.CLOSED;
    state(refused ? "refused: perhaps too many follow; trying again in 10 s" : "the sidecar is away; trying again", "bad");
    if (refused) setTimeout(() => { if (!paused) follow(); }, 10_000);
  };
  for (const [name, handle] of Object.entries(handlers)) source.addEventListener(name, (e) => handle(JSON.parse(e.data)));
}

function pause(on) {
  paused = on;
  find("#pause").setAttribute("aria-pressed", on);
  source.close();
  if (on) state("paused", "warn");
  else follow();
}

find("#pause").addEventListener("click", () => pause(!paused));
addEventListener("pagehide", () => source.close());
addEventListener("pageshow", (e) => { if (e.persisted && !paused) follow(); });
follow();
followDrift();
