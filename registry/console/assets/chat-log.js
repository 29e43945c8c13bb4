// The messages of the open conversation: bubbles by day, the newest at the bottom, each with how it stands.

const NEAR_PX = 80;
const OPTED_OUT = "They asked to get no more texts from your company. Texts to them are refused until they write START.";
const BACK = "They want texts from your company again.";

export class Log {
  // box(message): what stands below a message that was not sent; again(message): send it once more; load(media).
  constructor({ root, scroll, model, clock, words, dom, box, again, load }) {
    Object.assign(this, { _root: root, _scroll: scroll, _model: model, _clock: clock, _words: words, _dom: dom });
    Object.assign(this, { _box: box, _again: again, _load: load });
    this._rows = new Map();
    this._peer = null;
    // What is drawn later, such as a box that gets a line more, must not push the newest message out of sight.
    this._atEnd = true;
    scroll.addEventListener("scroll", () => {
      this._atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_PX;
    }, { passive: true });
    new ResizeObserver(() => this._keepEnd()).observe(scroll);
  }

  draw(peer, name) {
    const isNew = peer !== this._peer;
    if (isNew) {
      this._rows.clear();
      this._peer = peer;
      this._root.replaceChildren();
      this._atEnd = true;
    }
    // A whole conversation is not read aloud: what comes after it is.
    this._root.setAttribute("aria-busy", String(isNew));
    const messages = this._model.shown(peer);
    const refused = messages.findLast((one) => one.mine && ["refused", "blocked"].includes(one.status));
    const isLast = (one) => one === refused && !messages.some((other) => other.mine && other.at > one.at);
    const wanted = [];
    let day = null;
    for (const message of messages) {
      if (this._clock.dayOf(message.at) !== day) {
        day = this._clock.dayOf(message.at);
        wanted.push(this._separator(day, message.at));
      }
      wanted.push(this._bubble(message, name, isLast(message)));
    }
    const before = this._scroll.scrollHeight;
    this._dom.arrange(this._root, wanted);
    this._keepEnd();
    if (!this._atEnd && this._grewAbove) this._scroll.scrollTop += this._scroll.scrollHeight - before;
    this._grewAbove = false;
    if (isNew) requestAnimationFrame(() => this._root.setAttribute("aria-busy", "false"));
  }

  // Show the end, as after sending.
  toEnd() {
    this._atEnd = true;
    this._keepEnd();
  }

  // What is drawn next comes above: what is looked at stays where it is.
  growsAbove() {
    this._grewAbove = true;
    this._atEnd = false;
  }

  _keepEnd() {
    // Reached by keys where there is something to scroll, and no stop on the way where there is not.
    this._scroll.tabIndex = this._scroll.scrollHeight > this._scroll.clientHeight ? 0 : -1;
    if (this._atEnd) this._scroll.scrollTop = this._scroll.scrollHeight;
  }

  _separator(day, at) {
    const drawn = `${this._clock.day(at)}`;
    const known = this._rows.get(day);
    if (known?.drawn === drawn) return known.node;
    const node = this._dom.el("div", { class: "chat-day" }, this._dom.el("span", { text: drawn }));
    this._rows.set(day, { node, drawn });
    return node;
  }

  _bubble(message, name, withBox) {
    const box = withBox ? this._box(message) : null;
    const drawn = JSON.stringify([message.text, message.status, message.why, message.code, message.sendAfter, message.channel, box?.drawn, name]);
    const known = this._rows.get(message.key);
    if (known?.drawn === drawn) return known.node;
    const { el } = this._dom;
    const stands = message.mine ? this._words.state(message, this._clock) : null;
    const node = known?.node ?? el("div", { class: `chat-item ${message.mine ? "chat-mine" : "chat-theirs"}` });
    node.dataset.message = message.id ?? message.client ?? message.key;
    node.dataset.state = message.status ?? "received";
    node.dataset.channel = message.channel ?? "";
    node.replaceChildren(
      el(
        "div",
        { class: "chat-bubble" },
        el("span", { class: "visually-hidden", text: message.mine ? "You: " : `${name}: ` }),
        message.text === null ? el("em", { class: "muted", text: "This text is no longer kept." }) : message.text ? el("p", { class: "chat-words", dir: "auto", text: message.text }) : null,
        ...(message.media ?? []).map((media) => this._media(media)),
      ),
      el(
        "p",
        { class: `chat-state chat-state-${stands?.tone ?? "plain"}` },
        el("time", { datetime: new Date(message.at).toISOString(), title: this._clock.full(message.at), text: this._clock.time(message.at) }),
        this._words.badge(message.channel) && ` · ${this._words.badge(message.channel)}`,
        message.kind && message.kind !== "message" && " · Automatic answer",
        // Below a box the box says why.
        stands && el("span", {}, " · ", el("span", { class: "chat-state-word", text: box ? "Not sent" : stands.text })),
        message.status === "stuck" && el("button", { class: "link", type: "button", text: "Try again", on: { click: () => this._again(message) } }),
      ),
      ...[message.meaning === "stop" ? OPTED_OUT : message.meaning === "start" ? BACK : null].filter(Boolean).map((text) => el("p", { class: "chat-event", data: { meaning: message.meaning }, text })),
      ...(box ? [box.node] : []),
    );
    this._rows.set(message.key, { node, drawn });
    return node;
  }

  _media(media) {
    const { el } = this._dom;
    const text = this._words.attachment(media);
    if (!media.id) return el("p", { class: "chat-media", data: { media: media.type }, text });
    return el("button", { class: "chat-media link", type: "button", data: { media: media.type }, text: `${text} · Save`, on: { click: () => this._load(media) } });
  }
}
