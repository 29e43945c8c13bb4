// What the console does with script: pages that change by themselves, a question before what is hard to undo, menus
// that close, and no form sent twice. Everything works without it.
"use strict";

const policy = window.trustedTypes?.createPolicy("a2p", { createHTML: (text) => text });
const html = (text) => (policy ? policy.createHTML(text) : text);

// A page that is open: fetched again when rows of its tables changed, and its parts (data-part) taken over. What
// somebody types, or has opened, stays.
const wanted = (document.body.dataset.live || "").split(" ").filter(Boolean);
if (wanted.length) {
  let due = 0;
  const source = new EventSource(`/console/live?at=${document.body.dataset.liveAt}`);
  source.addEventListener("changed", (event) => {
    if (JSON.parse(event.data).some((kind) => kind === "*" || wanted.includes(kind))) {
      clearTimeout(due);
      due = setTimeout(renew, 150);
    }
  });
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && renew());
}

// A page about what changes without a row, such as queues: fetched again every so many seconds (data-every).
const every = document.querySelector("[data-every]");
if (every) setInterval(() => document.visibilityState === "visible" && renew(), 1000 * Number(every.dataset.every));

let asked = 0;
let taken = 0;
async function renew() {
  const mine = ++asked;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error" }).catch(() => null);
  if (!answer?.ok) return;
  const text = await answer.text();
  if (mine < taken) return;
  taken = mine;
  const fresh = new DOMParser().parseFromString(html(text), "text/html");
  for (const part of document.querySelectorAll("[data-part]")) {
    const other = fresh.getElementById(part.id);
    if (!other) continue;
    const busy = part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");
    const typed = [...part.querySelectorAll("input, select, textarea")].some(changed);
    const open = part.querySelector("details[open]");
    if (!busy && !typed && !open && part.innerHTML !== other.innerHTML) part.replaceWith(document.importNode(other, true));
  }
}

function changed(field) {
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.tagName === "SELECT") return [...field.options].some((one) => one.selected !== one.defaultSelected && one.defaultSelected);
  return field.value !== field.defaultValue;
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) {
    event.preventDefault();
    return;
  }
  if (form.method === "post") {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
    for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
  }
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

// Menus close when something else is looked at.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.dots[open], details.dropdown[open], details.menu-small[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.dots[open], details.dropdown[open], details.menu-small[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// Of switches of which one can be on, another one goes off: shown before it is saved.
document.addEventListener("change", (event) => {
  const group = event.target.dataset?.oneOf;
  if (!group) return;
  for (const other of document.querySelectorAll(`[data-one-of="${CSS.escape(group)}"]`)) {
    if (other !== event.target && event.target.checked && other.checked) {
      other.checked = false;
      document.getElementById(`told-${other.value}`)?.removeAttribute("hidden");
    }
  }
  document.getElementById(`told-${event.target.value}`)?.setAttribute("hidden", "");
});

// A box that ticks all others of its table.
document.addEventListener("change", (event) => {
  const all = event.target.dataset?.tickAll;
  if (!all) return;
  for (const box of document.querySelectorAll(`input[name="${CSS.escape(all)}"]:not(:disabled)`)) box.checked = event.target.checked;
});

// A link as it is to be handed over, with where it leads to in full; and buttons that copy what is shown once.
for (const link of document.querySelectorAll("a[data-whole]")) link.textContent = link.href;
for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) continue;
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = label), 2000);
  });
}
