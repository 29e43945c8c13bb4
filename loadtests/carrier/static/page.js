// Fetches the changing part of the page once a second. The server renders and escapes it; If-None-Match spares both
// sides the work while nothing happens.
"use strict";

const live = document.getElementById("live");
const state = document.getElementById("state");
const button = document.getElementById("pause");
let etag = "";
let paused = false;

async function refresh() {
  const answer = await fetch("/live", { headers: { "If-None-Match": etag }, cache: "no-store" });
  if (answer.status === 200) {
    etag = answer.headers.get("ETag") ?? "";
    live.innerHTML = await answer.text();
  }
}

function show(name, text) {
  if (state.dataset.state !== name) {
    state.dataset.state = name;
    state.textContent = text;
  }
}

async function tick() {
  if (!paused && !document.hidden) {
    try {
      await refresh();
      show("live", "live");
    } catch {
      show("lost", "no connection");
    }
  }
  setTimeout(tick, 1000);
}

button.addEventListener("click", () => {
  paused = !paused;
  button.setAttribute("aria-pressed", String(paused));
  button.textContent = paused ? "Resume" : "Pause";
  if (paused) show("paused", "paused");
});
button.hidden = false;
tick();
