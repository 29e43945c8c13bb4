// The Messages page: puts its parts together, and decides what is drawn when.
//
//   chat-net.js      calls with the person's token       chat-socket.js   live events, again and again
//   chat-model.js    what is known                       chat-words.js    how it is said
//   chat-list.js     the conversations                   chat-log.js      the messages of one
//   chat-compose.js  writing                             chat-hint.js     what would become of it
//   chat-outbox.js   sending, each once                  chat-asking.js   refusals, and "Ask my admin"
//   chat-dom.js      elements; text only
//
// The parts know nothing of each other. They are loaded by addresses that change with their bytes, which the page names.

const root = document.getElementById("chat");
const load = (part) => import(root.dataset[`part${part[0].toUpperCase()}${part.slice(1)}`]);
const [net_, socket, model_, words, dom, list_, log_, compose_, hint_, outbox_, asking_] = await Promise.all(
  ["net", "socket", "model", "words", "dom", "list", "log", "compose", "hint", "outbox", "asking"].map(load),
);

const PAGE = 50;
// The ledger has a message a moment after it was sent.
const LEDGER_LAG_MS = 3_000;
const QUIET_MS = 1_500;
// What came before is not looked for: texts of one's own are not kept for longer, either.
const HISTORY_MS = 30 * 86_400_000;

const { user, zone, csrf, gateway } = root.dataset;
const at = Object.fromEntries([...root.querySelectorAll("[data-chat]")].map((one) => [one.dataset.chat.replace(/-./g, (part) => part[1].toUpperCase()), one]));
const { el } = dom;
const clock = words.words(zone);
const marksName = `a2p-read:${user}`;
const net = new net_.Net({ gateway, csrf, signedOut });
const model = new model_.Model(user, dom.kept.read(localStorage, marksName, {}));
model.inboxCursor = `${Date.now() - HISTORY_MS}-0`;
const title = document.title;
let open = null;
let isNew = false;
let moreThreads = null;
let isOut = false;

const list = new list_.List({ root: at.threads, none: at.noThreads, model, clock, words, dom });
const asking = new asking_.Asking({ net, clock, dom, changed: draw, resend });
const log = new log_.Log({ root: at.log, scroll: at.scroll, model, clock, words, dom, box: (one) => asking.box(one), again: (one) => outbox.again(one), load: save });
const hint = new hint_.Hint({ root: at.hint, net, clock, words, dom, write: (text) => compose.write(text) });
const compose = new compose_.Compose({ parts: at, net, words, dom, chosen, send, typed: (what) => hint.typed(what) });
const outbox = new outbox_.Outbox({ net, model, kept: dom.kept, name: `a2p-outbox:${user}`, changed: moved, refused: () => asking.load() });
const events = new socket.Events({ net, heard, began, state: connection });

root.hidden = false;
window.addEventListener("hashchange", () => route(true));
window.addEventListener("focus", draw);
document.addEventListener("visibilitychange", draw);
window.addEventListener("offline", () => connection("away"));
at.earlier.addEventListener("click", earlier);
at.moreThreads.addEventListener("click", olderThreads);
outbox.resume();
route(false);
events.open();
// The history does not wait for the live events: they may be away.
const patience = setTimeout(history, QUIET_MS);

// What is open: the list alone, a conversation, or a new one; it is in the address, so that Back leads back.
function route(byHand) {
  const [, kind, name] = /^#(new|with=(.+))?$/.exec(location.hash) ?? [];
  const before = open;
  isNew = kind === "new";
  open = name ? decode(name) : null;
  root.dataset.view = kind ? "thread" : "list";
  at.thread.hidden = !kind;
  at.empty.hidden = Boolean(kind);
  at.toRow.hidden = !isNew;
  at.title.hidden = isNew;
  compose.open(open, { isNew });
  if (open && model.thread(open).next === undefined) mine(open);
  draw();
  if (!byHand) return;
  if (isNew) at.to.focus();
  else if (open) (matchMedia("(max-width: 800px)").matches ? at.title.querySelector("h2") : at.text).focus();
  else if (before) list.focus(before);
}

function draw() {
  const isSeen = document.visibilityState === "visible" && document.hasFocus();
  if (open && isSeen && model.read(open)) dom.kept.write(localStorage, marksName, model.marks);
  const unread = list.draw(open, nameOf);
  document.title = unread ? `(${unread}) ${title}` : title;
  at.moreThreads.hidden = !moreThreads;
  at.earlier.hidden = !open || !model.thread(open).next;
  if (open || isNew) log.draw(open ?? "", open ? nameOf(open) : "");
  optedOut();
  if (!open) return;
  const [heading, about] = at.title.children;
  heading.textContent = nameOf(open);
  about.textContent = aboutOf(open);
}

function optedOut() {
  const is = Boolean(open) && model.optedOut(open);
  const text = is ? `${nameOf(open)} opted out of texts from your company. They can text START to allow them again.` : "";
  at.optedOut.hidden = !is;
  if (at.optedOut.textContent !== text) at.optedOut.textContent = text;
}

function nameOf(peer) {
  if (peer.startsWith("+")) return words.phone(peer);
  return model.names.get(peer)?.name ?? peer;
}

function aboutOf(peer) {
  if (peer.startsWith("+")) return "Text messages";
  const extensions = model.names.get(peer)?.extensions ?? [];
  return ["Instant messages", extensions.length && `ext. ${extensions.join(", ")}`].filter(Boolean).join(" · ");
}

// A colleague or number was named in "To": what was written before is shown.
function chosen(peer, person) {
  if (person) model.names.set(peer, person);
  if (open === peer) return;
  open = peer;
  if (model.thread(peer).next === undefined) mine(peer);
  draw();
}

function send(draft) {
  outbox.send(draft);
  log.toEnd();
  go(draft.peer);
}

function resend(message) {
  const to = message.peer.startsWith("+") ? message.peer : `user:${message.peer}`;
  send({ client: crypto.randomUUID?.() ?? String(Math.random()).slice(2), to, peer: message.peer, text: message.text ?? "", media: message.media ?? [], at: Date.now() });
}

function go(peer) {
  const address = `#with=${encodeURIComponent(peer)}`;
  if (location.hash === address) return draw();
  // A new conversation has become this one: Back leads to the list.
  if (isNew) window.history.replaceState(null, "", address);
  else location.hash = address;
  route(false);
}

// A message of one's own is another now. What it was sent to may turn out to be somebody: the conversation moves there.
function moved() {
  draw();
}

function heard(frame) {
  if (frame.type === "message") {
    const before = frame.client_message_id && model.peerOf(frame.client_message_id);
    const peer = model.own(frame);
    if (before && before !== peer && before === open) go(peer);
    names();
  } else if (frame.type === "status") {
    if (frame.status === "blocked") refused(frame.id);
    model.changed(frame);
  } else if (frame.type === "inbound") {
    take(frame);
  }
  draw();
}

function take(frame) {
  const peer = model.inbound(frame);
  if (!peer) return;
  names();
  // Aloud: what comes into another conversation, which the log does not show.
  if (peer !== open) at.told.textContent = `${nameOf(peer)}: ${(frame.text ?? "Attachment").slice(0, 200)}`;
  // It may be the answer to what an admin was asked for.
  if (frame.from_user) asking.load();
}

// A message that was taken and then not sent: ask the gateway why, in words.
async function refused(id) {
  const answer = await net.toGateway("GET", `/v1/messages/${encodeURIComponent(id)}`).catch(() => null);
  if (answer?.status !== 200) return;
  const reasons = await net.toGateway("GET", "/v1/reasons").catch(() => null);
  const why = reasons?.body?.reasons?.find((one) => one.code === answer.body.status_code);
  if (why) model.own({ ...answer.body, sent_at: answer.body.accepted_at, reason: { code: why.code, text: why.user }, remediation: why.remediation });
  draw();
}

function began(isNewStart) {
  if (!isNewStart) return;
  clearTimeout(patience);
  history();
  setTimeout(history, LEDGER_LAG_MS);
}

// What was before: one's own messages from the ledger, what came from the inbox, what an admin was asked for.
async function history() {
  const [own] = await Promise.all([mineOf("/v1/my/threads", ""), inbox(), asking.load()]);
  if (own) {
    own.threads.forEach((one) => model.own(one));
    moreThreads ??= own.next;
  }
  if (open) await mine(open, true);
  await names();
  root.dataset.ready = "yes";
  draw();
}

async function inbox() {
  for (;;) {
    const answer = await net.toGateway("GET", `/v1/inbox?limit=100&after=${model.inboxCursor}`).catch(() => null);
    if (answer?.status !== 200 || !answer.body.items.length) return;
    const before = model.inboxCursor;
    answer.body.items.forEach((one) => model.inbound(one));
    if (model.inboxCursor === before) return;
  }
}

async function mine(peer, again = false) {
  const thread = model.thread(peer);
  if (!again) thread.next ??= null;
  const found = await mineOf("/v1/my/messages", `&counterpart=${encodeURIComponent(peer)}`);
  if (!found) return;
  found.messages.forEach((one) => model.own(one));
  if (!thread.wasLoaded) thread.next = found.next;
  thread.wasLoaded = true;
  draw();
}

async function earlier() {
  const thread = model.thread(open);
  const found = await mineOf("/v1/my/messages", `&counterpart=${encodeURIComponent(open)}&cursor=${encodeURIComponent(thread.next)}`);
  if (!found) return;
  log.growsAbove();
  found.messages.forEach((one) => model.own(one));
  thread.next = found.next;
  draw();
}

async function olderThreads() {
  const found = await mineOf("/v1/my/threads", `&cursor=${encodeURIComponent(moreThreads)}`);
  if (!found) return;
  found.threads.forEach((one) => model.own(one));
  moreThreads = found.next ?? "";
  await names();
  draw();
}

async function mineOf(path, more) {
  const answer = await net.toRegistry("GET", `${path}?limit=${PAGE}${more}`).catch(() => null);
  return answer?.status === 200 ? answer.body : null;
}

async function names() {
  const missing = model.nameless();
  if (!missing.length) return;
  // Asked once each: who is not in the directory is called by the id.
  missing.forEach((peer) => model.names.set(peer, { name: peer, extensions: [] }));
  for (let first = 0; first < missing.length; first += PAGE) {
    const ids = missing.slice(first, first + PAGE).map(encodeURIComponent).join(",");
    const answer = await net.toRegistry("GET", `/v1/colleagues?limit=${PAGE}&ids=${ids}`).catch(() => null);
    if (answer?.status !== 200) missing.slice(first, first + PAGE).forEach((peer) => model.names.delete(peer));
    else answer.body.items.forEach((one) => model.names.set(one.id, one));
  }
  draw();
}

// Attachments are saved, not shown: their type is only what the sender said.
async function save(media) {
  const answer = await net.toGateway("GET", `/v1/media/${encodeURIComponent(media.id)}`, { blob: true }).catch(() => null);
  if (answer?.status !== 200) {
    at.told.textContent = "This attachment is no longer kept.";
    return;
  }
  const address = URL.createObjectURL(answer.body);
  el("a", { href: address, download: `attachment.${(media.type.split("/")[1] ?? "bin").replace(/[^a-z0-9]/g, "")}` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

let quiet = 0;
function connection(state) {
  if (isOut) return;
  clearTimeout(quiet);
  root.dataset.connection = state;
  if (state === "live") {
    at.connection.hidden = true;
    outbox.hurry();
    return;
  }
  // A blink is not worth a word.
  quiet = setTimeout(() => {
    at.connection.hidden = false;
    at.connection.textContent = navigator.onLine ? "Reconnecting… What you send waits here and goes once." : "You are offline. What you send waits here and goes once.";
  }, navigator.onLine ? QUIET_MS : 0);
}

function signedOut() {
  isOut = true;
  clearTimeout(quiet);
  at.connection.hidden = false;
  at.connection.replaceChildren("You are signed out. ", el("a", { href: "/console/sign-in?next=/console/messages", text: "Sign in again" }), " to go on.");
}

function decode(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return null;
  }
}
