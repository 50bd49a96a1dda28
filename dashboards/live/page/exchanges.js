// The list of the last exchanges. A button in each row opens its waterfall.
import { element, find, row, number, duration, known, clock } from "./text.js";
import { Waterfall } from "./waterfall.js";

const most = 200; // rows

export class Exchanges {
  #all = [];
  #waterfall = new Waterfall();
  #filter = "all";

  constructor() {
    for (const input of document.querySelectorAll("input[name=filter]")) {
      input.addEventListener("change", () => { this.#filter = input.value; this.#show(); });
    }
  }

  clear() { this.#all = []; }

  // add adds exchanges, the newest first. Some may be there already.
  add(ended) {
    const newest = this.#all[0]?.number ?? 0, added = ended.filter((e) => e.number > newest);
    if (newest === 0) {
      this.#all = added;
      this.#show();
      return;
    }
    this.#all = added.concat(this.#all).slice(0, most);
    const rows = added.filter((e) => this.#fits(e)).map((e) => this.#row(e)), body = find("#list tbody");
    if (rows.length) body.querySelector(".none")?.closest("tr").remove();
    body.prepend(...rows);
    while (body.rows.length > most) body.lastElementChild.remove();
  }

  #fits(e) {
    return this.#filter === "all" || (this.#filter === "missed" ? Boolean(e.missed) : e.outcome !== "ok");
  }

  #show() {
    const rows = this.#all.filter((e) => this.#fits(e)).map((e) => this.#row(e));
    find("#list tbody").replaceChildren(...(rows.length ? rows : [element("tr", {}, element("td", { colspan: 10, class: "none" }, "None so far"))]));
  }

  #row(e) {
    const ended = new Date(Date.parse(e.start) + e.e2e_s * 1000);
    const open = element("button", { type: "button", class: "link", "data-exchange": e.id, "aria-label": `Waterfall of the exchange that ended at ${clock(ended)}` }, clock(ended));
    open.addEventListener("click", () => this.#waterfall.open(e.id, open));
    const kind = e.outcome === "ok" ? "" : e.outcome === "client_gone" ? "warn" : "bad";
    const outcome = [e.status && e.outcome !== "ok" ? `${e.status} ${e.outcome}` : e.outcome, kind];
    const attempt = (e.attempt > 1 ? `↻ ${e.attempt}` : e.attempt ?? "–") + (e.chain_outcome && e.chain_outcome !== "first_try" ? ` ${e.chain_outcome}` : "");
    const missed = (e.missed ?? []).map((m) => m.split(" ").at(-1));
    return row(open, e.model || e.path_class || e.upstream, outcome, number(duration(e.ttft_s)), number(duration(e.tpot_s)), number(duration(e.e2e_s)),
      number(known(e.input_tokens)), number(known(e.output_tokens)), attempt, [[...new Set(missed)].join(", "), missed.length ? "bad" : ""]);
  }
}
