// Makes elements and texts. Everything that comes from the traffic becomes the text of an
// element, never a part of a document.

// element returns a new element. Children are elements or texts.
export function element(name, attributes = {}, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null) e.setAttribute(key, value);
  }
  e.append(...children.map((c) => (c instanceof Node ? c : String(c))));
  return e;
}

// drawing returns a new element of SVG.
export function drawing(name, attributes = {}, ...children) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  e.append(...children.map((c) => (c instanceof Node ? c : String(c))));
  return e;
}

export const find = (selector) => document.querySelector(selector);

// row returns a row of a table. A cell is a text, or a pair of a text and a class.
export function row(...cells) {
  return element("tr", {}, ...cells.map((c) => {
    const [content, kind] = Array.isArray(c) ? c : [c];
    return element("td", kind ? { class: kind } : {}, content);
  }));
}

// number is a cell with a number.
export const number = (text, kind = "") => [text, ("n " + kind).trim()];

// duration formats seconds: 1.23 s, 45.6 ms, 789 µs; a dash where there are none.
export function duration(s) {
  if (s === undefined || s === null || s === 0) return "–";
  if (s < 1e-6) return "0 µs";
  if (s >= 100) return s.toFixed(0) + " s";
  if (s >= 1) return s.toFixed(2) + " s";
  if (s >= 1e-3) return (s * 1e3).toFixed(1) + " ms";
  return (s * 1e6).toFixed(0) + " µs";
}

export const percent = (share, digits = 1) => (100 * share).toFixed(digits) + " %";

const numbers = new Intl.NumberFormat("en"), times = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

// known is a number, or a dash where nobody knows it.
export const known = (n) => (n === undefined || n === null ? "–" : numbers.format(n));

// clock is the time of day of a date.
export const clock = (date) => times.format(date);

let colours = {};

// colour is the value of a variable of the style sheet.
export function colour(name) {
  colours[name] ??= getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  return colours[name];
}

// onTheme calls f whenever the colours have changed.
export function onTheme(f) {
  const changed = () => { colours = {}; f(); };
  document.addEventListener("theme", changed);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
}
