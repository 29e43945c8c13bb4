// Writing: whom to ("To", with colleagues to choose from), the text, a picture, and Send.

const SEARCH_MS = 200;
const SHOWN = 8;
const PICTURE_MAX = 5_000_000;

export class Compose {
  // chosen(peer): whom a new conversation is with; send(draft); typed(what): for the hint.
  constructor({ parts, net, words, dom, chosen, send, typed }) {
    Object.assign(this, { _parts: parts, _net: net, _words: words, _dom: dom, _chosen: chosen, _send: send, _typed: typed });
    this._peer = null;
    this._isNew = false;
    this._picked = null;
    this._media = [];
    this._people = [];
    this._active = -1;
    this._drafts = new Map();
    const { compose, text, to, people, file } = parts;
    compose.addEventListener("submit", (event) => {
      event.preventDefault();
      this._submit();
    });
    text.addEventListener("keydown", (event) => {
      // While a word is being composed, Enter belongs to the input method.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this._submit();
    });
    text.addEventListener("input", () => this._changed());
    to.addEventListener("input", () => this._search());
    to.addEventListener("keydown", (event) => this._key(event));
    to.addEventListener("blur", () => this._settle());
    people.addEventListener("pointerdown", (event) => {
      const option = event.target.closest("[data-place]");
      if (option) event.preventDefault();
      if (option) this._pick(this._people[Number(option.dataset.place)]);
    });
    file.addEventListener("change", () => this._attach());
  }

  // Write to somebody, or to whom has yet to be said.
  open(peer, { isNew }) {
    if (!this._isNew || !isNew) this._drafts.set(this._peer, this._parts.text.value);
    const had = this._isNew && isNew;
    this._peer = peer;
    this._isNew = isNew;
    if (!had) {
      this._picked = null;
      this._parts.to.value = "";
      this._parts.text.value = this._drafts.get(peer) ?? "";
      this._media = [];
      this._drawMedia();
    }
    this._fold();
    this._changed();
  }

  // Put another text into the field: a text, or a change of what stands there.
  write(text) {
    const field = this._parts.text;
    field.value = typeof text === "function" ? text(field.value) : text;
    field.focus();
    this._changed();
  }

  // Whom it goes to, as the API takes it, and the conversation that it is in; null: nobody yet.
  get _to() {
    if (!this._isNew) return this._peer && { to: this._peer.startsWith("+") ? this._peer : `user:${this._peer}`, peer: this._peer };
    if (this._picked) return { to: `user:${this._picked.id}`, peer: this._picked.id };
    return this._words.address(this._parts.to.value);
  }

  _changed() {
    const { text } = this._parts;
    text.style.height = "auto"; // (through CSSOM, which the policy leaves to scripts)
    text.style.height = `${Math.min(text.scrollHeight + 2, 160)}px`;
    const to = this._to;
    this._typed({ to: to?.to ?? null, colleague: Boolean(to?.to.startsWith("user:")), text: text.value, media: this._media });
  }

  async _submit() {
    if (this._parts.to.value && this._isNew) await this._settle();
    const to = this._to;
    const text = this._parts.text.value;
    if (!to) {
      (this._isNew ? this._parts.to : this._parts.text).focus();
      this._say(this._isNew ? "Say whom it goes to: a colleague's name or extension, or a phone number." : "");
      return;
    }
    if (!text.trim() && !this._media.length) return;
    this._say("");
    const media = this._media;
    this._media = [];
    this._drawMedia();
    this._parts.text.value = "";
    this._drafts.delete(to.peer);
    this._send({ client: crypto.randomUUID?.() ?? unique(), to: to.to, peer: to.peer ?? to.to, text, media, at: Date.now() });
    this._changed();
    this._parts.text.focus();
  }

  _say(text) {
    this._parts.notice.hidden = !text;
    this._parts.notice.textContent = text;
  }

  // Colleagues whose name or extension is typed.
  _search() {
    this._picked = null;
    this._say("");
    clearTimeout(this._due);
    this._changed();
    const typed = this._parts.to.value.trim();
    if (!typed || /^\+|^[\d\s().-]{7,}$/.test(typed)) {
      this._fold();
      return;
    }
    this._due = setTimeout(async () => {
      const found = await this._find(typed);
      if (this._parts.to.value.trim() === typed && document.activeElement === this._parts.to) this._unfold(found);
    }, SEARCH_MS);
  }

  async _find(typed) {
    const answer = await this._net.toRegistry("GET", `/v1/colleagues?limit=${SHOWN}&search=${encodeURIComponent(typed)}`).catch(() => null);
    return answer?.status === 200 ? answer.body.items : [];
  }

  _unfold(people) {
    this._people = people;
    this._active = people.length ? 0 : -1;
    const { el } = this._dom;
    this._parts.people.replaceChildren(
      ...people.map((one, place) =>
        el("li", { id: `chat-person-${place}`, role: "option", "aria-selected": "false", data: { place, person: one.id } }, el("span", { text: one.name }), el("span", { class: "muted small", text: one.extensions.length ? ` ext. ${one.extensions.join(", ")}` : "" })),
      ),
    );
    this._parts.people.hidden = !people.length;
    this._parts.to.setAttribute("aria-expanded", String(people.length > 0));
    this._mark();
  }

  _fold() {
    clearTimeout(this._due);
    this._unfold([]);
  }

  _mark() {
    [...this._parts.people.children].forEach((one, place) => one.setAttribute("aria-selected", String(place === this._active)));
    const active = this._parts.people.children[this._active];
    if (active) this._parts.to.setAttribute("aria-activedescendant", active.id);
    else this._parts.to.removeAttribute("aria-activedescendant");
    active?.scrollIntoView({ block: "nearest" });
  }

  _key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this._people.length) {
      event.preventDefault();
      this._active = (this._active + step + this._people.length) % this._people.length;
      this._mark();
    } else if (event.key === "Escape" && this._people.length) {
      this._fold();
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (this._people[this._active]) this._pick(this._people[this._active]);
      else this._settle().then(() => this._to && this._parts.text.focus());
    }
  }

  _pick(person) {
    this._picked = person;
    this._parts.to.value = person.name;
    this._fold();
    this._chosen(person.id, person);
    this._parts.text.focus();
    this._changed();
  }

  // What was typed is what is meant: a number, an extension, or the one colleague of that name.
  async _settle() {
    this._fold();
    const typed = this._parts.to.value.trim();
    if (!this._isNew || this._picked || !typed) return;
    const known = this._words.address(typed);
    if (known?.peer) {
      this._chosen(known.peer, null);
    } else {
      const found = await this._find(typed);
      const same = found.filter((one) => one.name.toLowerCase() === typed.toLowerCase() || one.extensions.includes(typed));
      const [only] = same.length === 1 ? same : known ? [] : found.length === 1 ? found : [];
      if (!this._isNew || this._picked || this._parts.to.value.trim() !== typed) return;
      if (only) {
        this._picked = only;
        this._parts.to.value = only.name;
        this._chosen(only.id, only);
      } else if (!known) {
        this._say("Nobody in your company has this name or extension, and it is no phone number.");
      }
    }
    this._changed();
  }

  // Take a picture along: it is uploaded at once, and sent with the text.
  async _attach() {
    const [file] = this._parts.file.files;
    this._parts.file.value = "";
    if (!file) return;
    if (file.size > PICTURE_MAX) return this._say("This picture is larger than 5 MB. Send a smaller one.");
    this._say("Adding the picture…");
    const answer = await this._net.toGateway("POST", "/v1/media", { bytes: file, type: file.type }).catch(() => null);
    if (answer?.status !== 201) return this._say(answer?.body?.title ? `The picture was not taken: ${answer.body.title}.` : "The picture could not be added. Try again.");
    this._say("");
    this._media = [answer.body];
    this._drawMedia();
    this._changed();
  }

  _drawMedia() {
    const { el } = this._dom;
    const remove = () => {
      this._media = [];
      this._drawMedia();
      this._changed();
      this._parts.text.focus();
    };
    this._parts.attached.hidden = !this._media.length;
    this._parts.attached.replaceChildren(
      ...this._media.map((one) => el("span", { class: "chat-media" }, this._words.attachment(one), " ", el("button", { class: "link", type: "button", text: "Remove", on: { click: remove } }))),
    );
  }
}

// A browser gives UUIDs to pages of https and of this machine only.
function unique() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");
}
