// The strip of what is under way: a lane for each stream, with a tick for each content chunk,
// and the table of the longest silences. The strip moves as paper under a pen: a sample draws
// what is new, so that a thousand lanes cost little.
import { element, find, row, number, duration, known, colour, onTheme } from "./text.js";

const phases = ["asking", "waiting", "answering", "streaming"];
const shown = 15_000; // ms that the strip covers
const stays = 1500; // ms that the lane of a stream stays after its end
const quiet = 2000; // ms without content that make a silence
const silent = 10_000;
const gutter = 170; // px for names, where lanes are high enough for them
// levels are how many lanes there are room for, and how high each is, in px.
const levels = [[12, 22], [24, 16], [80, 6], [250, 2], [Infinity, 1]];

// margin is the room for names, in px, beside lanes of that level.
const margin = (level) => (level[1] >= 16 ? gutter : 0);

export class Lanes {
  #streams = new Map();
  #slots = []; // stream of each lane, from the top
  #canvas = find("#lanes");
  #pen = this.#canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  #level = levels[0];
  #drawn = 0; // server's time up to which the strip is drawn
  #open = 0;
  #width = 0; // px
  #renamed = true; // the names beside the lanes have changed
  #tables = 0;

  constructor() {
    new ResizeObserver(() => { if (this.#room() !== this.#width) this.#restart(); }).observe(find("#strip")); // more lanes change the height alone
    onTheme(() => this.#restart());
  }

  // clear forgets all streams: the server will tell them anew.
  clear() {
    this.#streams.clear();
    this.#slots = [];
    this.#restart();
  }

  // change applies a message of the server and draws it.
  change(c) {
    this.#open = c.open;
    for (const s of c.begun ?? []) this.#begin(s);
    for (const m of c.moved ?? []) this.#move(m);
    for (const id of c.ended ?? []) {
      const s = this.#streams.get(id);
      if (s) s.ended = c.at;
    }
    this.#expire(c.at);
    this.#draw(c.at);
    find("#open").textContent = known(c.open);
    if (c.at - this.#tables >= 1000) {
      this.#tables = c.at;
      this.#list(c.at);
    }
  }

  #begin(told) {
    const start = Date.parse(told.start);
    let s = this.#streams.get(told.id);
    if (!s) {
      s = { slot: this.#slot(), ticks: [] };
      this.#streams.set(told.id, s);
      this.#slots[s.slot] = s;
    }
    this.#renamed = true;
    Object.assign(s, {
      start, model: told.model || told.upstream, upstream: told.upstream, phase: phases.indexOf(told.phase), attempt: told.attempt,
      last: (told.last_token_s ?? 0) * 1000, chunks: told.chunks, tokens: told.tokens,
    });
  }

  #slot() {
    for (let i = 0; i < this.#slots.length; i++) if (!this.#slots[i]) return i;
    return this.#slots.length;
  }

  // move books the chunks that came since the sample before: between the last chunk that was
  // known and the last one now, at even distances.
  #move([id, phase, first, last, chunks, tokens]) {
    const s = this.#streams.get(id);
    if (!s) return;
    const n = chunks - s.chunks, from = Math.max(first, s.last);
    for (let i = 1; i <= n && i <= 100; i++) s.ticks.push(s.start + from + (last - from) * (i / Math.min(n, 100)));
    Object.assign(s, { phase, last, chunks, tokens });
  }

  #expire(now) {
    for (const [id, s] of this.#streams) {
      if (s.ended && now - s.ended > stays) {
        this.#streams.delete(id);
        this.#slots[s.slot] = undefined;
        this.#renamed = true;
      }
    }
    while (this.#slots.length && !this.#slots.at(-1)) this.#slots.pop();
  }

  // room is the width of the strip in px.
  #room() { return Math.max(200, find("#strip").clientWidth); }

  #restart() {
    const ratio = devicePixelRatio || 1, width = this.#room(), height = this.#height();
    this.#width = width;
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    this.#canvas.style.width = width + "px";
    this.#canvas.style.height = height + "px";
    this.#pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#pen.fillStyle = colour("strip");
    this.#pen.fillRect(0, 0, width, height);
    this.#drawn = 0;
    this.#renamed = true;
  }

  // resize gives lanes another height, and keeps what is drawn.
  #resize(level) {
    const old = document.createElement("canvas"), drawn = this.#drawn, before = this.#level, ratio = devicePixelRatio || 1;
    old.width = this.#canvas.width;
    old.height = this.#canvas.height;
    old.getContext("2d").drawImage(this.#canvas, 0, 0);
    this.#level = level;
    this.#restart();
    const from = Math.round(margin(before) * ratio), to = margin(level), width = this.#canvas.width / ratio;
    this.#pen.drawImage(old, from, 0, old.width - from, old.height, to, 0, width - to, (old.height / ratio) * (level[1] / before[1]));
    this.#drawn = drawn;
  }

  #height() {
    const lanes = this.#level[0] === Infinity ? Math.max(1000, this.#slots.length) : this.#level[0];
    return lanes * this.#level[1];
  }

  #draw(now) {
    const level = levels.find(([room]) => this.#slots.length <= room);
    // It grows at once, and shrinks when far fewer streams are left.
    if (level[0] > this.#level[0] || (level[0] < this.#level[0] && this.#slots.length < level[0] / 2)) this.#resize(level);
    const ratio = devicePixelRatio || 1, width = this.#canvas.width / ratio, high = this.#level[1];
    const left = margin(this.#level), scale = (width - left) / shown;
    const since = Math.max(this.#drawn || now - 250, now - shown);
    this.#shift(left, Math.round((now - since) * scale * ratio), width, ratio);
    this.#drawn = now;
    const inks = { line: colour("line"), wait: colour("wait"), tick: colour("tick"), quiet: colour("quiet"), silent: colour("silent"), ink: colour("ink"), strip: colour("strip") };
    const at = (time) => width - (now - time) * scale;
    for (const s of this.#slots) if (s) this.#lane(s, since, now, at, left, width, inks);
    if (left && this.#renamed) this.#names(left, high, inks);
  }

  // shift moves the paper by so many device pixels.
  #shift(left, by, width, ratio) {
    const c = this.#canvas, x = Math.round(left * ratio);
    if (by <= 0) return;
    this.#pen.save();
    this.#pen.setTransform(1, 0, 0, 1, 0, 0);
    if (by < c.width - x) this.#pen.drawImage(c, x + by, 0, c.width - x - by, c.height, x, 0, c.width - x - by, c.height);
    this.#pen.fillStyle = colour("strip");
    this.#pen.fillRect(Math.max(x, c.width - by), 0, c.width, c.height);
    this.#pen.restore();
  }

  #lane(s, since, now, at, left, width, inks) {
    const high = this.#level[1], top = s.slot * high, body = Math.max(high > 2 ? high - 2 : 1, 0.5), p = this.#pen;
    if (!s.ended) {
      const still = now - s.start - s.last;
      let ink = inks.line, thick = Math.min(1, body);
      if (s.last === 0) ink = inks.wait;
      else if (still >= silent) [ink, thick] = [inks.silent, Math.max(1, body / 2)];
      else if (still >= quiet) [ink, thick] = [inks.quiet, Math.max(1, body / 3)];
      const from = Math.max(left, at(Math.max(since, s.start)));
      p.fillStyle = ink;
      p.fillRect(from, top + (body - thick) / 2, width - from, thick);
    }
    p.fillStyle = inks.tick;
    for (const t of s.ticks) {
      const x = at(t);
      if (x >= left) p.fillRect(x - 1, top, 1, body);
    }
    s.ticks.length = 0;
  }

  #names(left, high, inks) {
    const p = this.#pen;
    this.#renamed = false;
    p.fillStyle = inks.strip;
    p.fillRect(0, 0, left, this.#height());
    p.font = "12px system-ui, sans-serif";
    p.textBaseline = "middle";
    p.fillStyle = inks.ink;
    for (const s of this.#slots) {
      if (!s || s.ended) continue;
      const name = s.attempt > 1 ? `↻${s.attempt} ${s.model}` : s.model;
      p.fillText(name.length > 24 ? name.slice(0, 23) + "…" : name, 4, s.slot * high + high / 2, left - 8);
    }
  }

  // list fills the table of the longest silences, and says in words what the strip shows.
  #list(now) {
    const still = (s) => (s.phase === 0 ? 0 : now - s.start - s.last);
    const open = [...this.#streams.values()].filter((s) => !s.ended).sort((a, b) => still(b) - still(a));
    const rows = open.slice(0, 8).map((s) => {
      const since = still(s), kind = s.last && since >= silent ? "bad" : s.last && since >= quiet ? "warn" : "";
      return row(s.model, s.upstream, phases[s.phase], number(duration(Math.max(1, now - s.start) / 1000)), number(s.tokens), number(duration(Math.max(1, since) / 1000), kind));
    });
    find("#quiet tbody").replaceChildren(...(rows.length ? rows : [element("tr", {}, element("td", { colspan: 6, class: "none" }, "Nothing is under way"))]));
    const count = open.filter((s) => s.last && still(s) >= quiet).length;
    this.#canvas.setAttribute("aria-label", open.length
      ? `${this.#open} under way, ${count} of them quiet for 2 seconds or longer; the longest silence lasts ${duration(still(open[0]) / 1000)}`
      : "No stream is under way");
  }
}
