// The list of conversations: names, last texts, times, what is unread; arrow keys go up and down.

const NOT_DELIVERED = new Set(["undelivered", "failed", "expired"]);

export class List {
  constructor({ root, none, model, clock, words, dom }) {
    Object.assign(this, { _root: root, _none: none, _model: model, _clock: clock, _words: words, _dom: dom });
    this._rows = new Map();
    root.addEventListener("keydown", (event) => this._step(event));
  }

  draw(open, name) {
    const list = this._model.list();
    const rows = list.map((thread) => this._row(thread, thread.peer === open, name(thread.peer)));
    for (const peer of [...this._rows.keys()]) if (!list.some((one) => one.peer === peer)) this._rows.delete(peer);
    this._dom.arrange(this._root, rows);
    this._none.hidden = rows.length > 0;
    return list.reduce((sum, one) => sum + (one.peer === open ? 0 : one.unread), 0);
  }

  focus(peer) {
    (this._rows.get(peer)?.node ?? this._root).querySelector("a")?.focus();
  }

  _row({ peer, last, unread }, isOpen, name) {
    const drawn = JSON.stringify([name, last.text, last.at, last.mine, last.channel, last.status, unread, isOpen, this._clock.dayOf(Date.now())]);
    const known = this._rows.get(peer);
    if (known?.drawn === drawn) return known.node;
    const { el } = this._dom;
    const said = last.text === null ? "(no longer kept)" : last.text || (last.media?.length ? "Attachment" : "");
    const failed = last.mine && this._words.state(last, this._clock).tone === "bad";
    const parts = [
      el("span", { class: "chat-avatar", "aria-hidden": "true", text: initial(name) }),
      el(
        "span",
        { class: "chat-row-body" },
        el("span", { class: "chat-row-top" }, el("span", { class: "chat-name", text: name }), el("time", { text: this._clock.when(last.at), datetime: new Date(last.at).toISOString() })),
        el(
          "span",
          { class: "chat-row-last" },
          el("span", { class: `chat-last${failed ? " chat-last-bad" : ""}`, text: `${failed ? (NOT_DELIVERED.has(last.status) ? "Not delivered: " : "Not sent: ") : last.mine ? "You: " : ""}${said.slice(0, 200)}` }),
          el("span", { class: "chat-badge", text: this._words.badge(last.channel) }),
          unread > 0 && !isOpen && el("span", { class: "chat-unread", text: String(unread) }, el("span", { class: "visually-hidden", text: " unread" })),
        ),
      ),
    ];
    const node = known?.node ?? el("li", { data: { peer } }, el("a", { href: `#with=${encodeURIComponent(peer)}` }));
    const link = node.firstChild;
    link.replaceChildren(...parts);
    link.classList.toggle("has-unread", unread > 0 && !isOpen);
    if (isOpen) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
    this._rows.set(peer, { node, drawn });
    return node;
  }

  _step(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined) return;
    const links = [...this._root.querySelectorAll("a")];
    const place = links.indexOf(document.activeElement);
    const next = Math.min(Math.max(place + step, 0), links.length - 1);
    if (links[next]) {
      event.preventDefault();
      links[next].focus();
    }
  }
}

function initial(name) {
  return name.startsWith("+") ? "#" : ([...name][0] ?? "?").toUpperCase();
}
