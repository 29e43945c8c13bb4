// What would become of the text, said while it is typed: POST /v1/decisions judges and sends nothing. Typing never waits
// for it, and an answer to what was typed before is dropped.

const PAUSE_MS = 350;
// Not worth a word: nothing is to be done about them.
const SILENT = new Set(["ok_registered", "internal_im", "ok_non_us_destination"]);

export class Hint {
  // write(text): puts another text into the field.
  constructor({ root, net, clock, words, dom, write }) {
    Object.assign(this, { _root: root, _net: net, _clock: clock, _words: words, _dom: dom, _write: write });
    this._due = 0;
    this._asked = null;
    this._drawn = "";
  }

  // to: as the API takes it, or null; colleague: it is known to be one.
  typed({ to, colleague, text, media }) {
    clearTimeout(this._due);
    this._asked?.abort();
    if (!to || (!text.trim() && !media.length)) {
      this._show(colleague ? { channel: "im" } : null, text);
      return;
    }
    this._due = setTimeout(() => this._ask({ to, text, media }), PAUSE_MS);
  }

  clear() {
    this.typed({ to: null, text: "", media: [] });
  }

  async _ask({ to, text, media }) {
    const asked = new AbortController();
    this._asked = asked;
    const body = { to, ...(text && { text }), ...(media.length && { media: media.map(({ type, bytes }) => ({ type, bytes })) }) };
    let answer = null;
    try {
      answer = await this._net.toGateway("POST", "/v1/decisions", { body, signal: asked.signal });
    } catch {
      // Nobody is there, or it is old: what will become of it is said when it is sent.
    }
    if (this._asked !== asked || asked.signal.aborted) return;
    if (answer?.status === 200) this._show(answer.body, text);
    else if (answer?.status === 422) this._show({ wrong: answer.body }, text);
    else this._show(null, text);
  }

  _show(decision, text) {
    const { el } = this._dom;
    const lines = [];
    const add = (tone, words, more) => lines.push({ tone, words, more });
    if (decision?.wrong) add("waiting", wrong(decision.wrong));
    else if (decision?.verdict === "block") add("bad", `This will be refused. ${decision.reason.text}`);
    else if (decision?.channel === "im") add("plain", "This is an instant message to a colleague; no registration needed.");
    else if (decision) this._outside(decision, text, add);
    this._root.dataset.verdict = decision?.verdict ?? "";
    this._root.dataset.channel = decision?.channel ?? "";
    this._root.dataset.segments = decision?.segments ?? "";
    const drawn = JSON.stringify([lines.map(({ tone, words, more }) => [tone, words, Boolean(more)])]);
    if (drawn === this._drawn) return; // (or it would be read aloud at every pause)
    this._drawn = drawn;
    this._root.replaceChildren(
      ...lines.map(({ tone, words, more }) => el("p", { class: `chat-hint-line chat-hint-${tone}` }, el("span", { text: words }), more)),
    );
  }

  _outside({ channel, verdict, reason, segments, send_after: later }, text, add) {
    const kind = channel === "mms" ? "Picture message" : "Text message";
    const cost = channel === "mms" ? null : this._words.cost(text);
    const length = channel === "mms" ? "" : ` · ${this._words.parts(segments)}`;
    add("plain", `${kind}${length}`);
    if (cost === "curly") {
      const use = this._dom.el("button", { class: "link", type: "button", data: { chat: "straighten" }, text: "Use straight quotes", on: { click: () => this._write(this._words.straight) } });
      add("waiting", `${capital(this._words.parts(segments))}: a curly quote makes the message longer.`, use);
    } else if (cost === "signs" && segments > 1) {
      add("plain", `${capital(this._words.parts(segments))}: an emoji or a special letter makes the message longer.`);
    }
    if (verdict === "defer") add("waiting", `${reason.text}${later ? ` It would go at ${this._clock.later(Date.parse(later))}.` : ""}`);
    else if (!SILENT.has(reason.code)) add("waiting", reason.text);
  }
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);

function wrong({ code, detail, title }) {
  if (code === "unknown_user" || code === "invalid_recipients") return "Nobody in your company has this extension or name.";
  if (code === "invalid_number") return "This is no phone number.";
  return detail || title || "This cannot be sent.";
}
