// Sets the theme before the first paint. It is system, light or dark, and the browser keeps it.
"use strict";
const themes = ["system", "light", "dark"];

function storedTheme() {
  try {
    const kept = localStorage.getItem("theme");
    return themes.includes(kept) ? kept : "system";
  } catch {
    return "system"; // a browser that keeps nothing
  }
}

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  try {
    localStorage.setItem("theme", name);
  } catch { /* so the next visit begins with system */ }
}

setTheme(storedTheme());

document.addEventListener("DOMContentLoaded", () => {
  const button = document.getElementById("theme");
  const label = () => { button.textContent = "Theme: " + storedTheme(); };
  button.addEventListener("click", () => {
    setTheme(themes[(themes.indexOf(document.documentElement.dataset.theme) + 1) % themes.length]);
    button.textContent = "Theme: " + document.documentElement.dataset.theme;
    document.dispatchEvent(new Event("theme"));
  });
  label();
});
