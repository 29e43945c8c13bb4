// Below a message that was not sent: why, what the person can do, and "Ask my admin" where an admin can help; what
// became of the asking is shown here, too.

const AGAIN_MS = 15_000;
// The words, the recipient or how much was sent is what is in the way: nothing that an admin changes makes it go.
const NOT_BY_ADMINS = /^(content_|evasion_|recipient_|snowshoe_|throughput_|daily_cap_|flag_)/;

export class Asking {
  // changed(): an answer is there; resend(message): the person sends it once more.
  constructor({ net, clock, dom, changed, resend }) {
    Object.assign(this, { _net: net, _clock: clock, _dom: dom, _changed: changed, _resend: resend });
    this._requests = [];
    // What was answered to asking about a message, where no request came of it.
    this._told = new Map();
    this._notes = new Map();
    this._busy = new Set();
    setInterval(() => document.visibilityState === "visible" && this._requests.some((one) => one.state === "open") && this.load(), AGAIN_MS);
  }

  async load() {
    const found = [];
    let cursor = "";
    do {
      const answer = await this._net.toRegistry("GET", `/v1/requests?limit=500${cursor && `&cursor=${encodeURIComponent(cursor)}`}`).catch(() => null);
      if (answer?.status !== 200) return;
      found.push(...answer.body.requests);
      cursor = answer.body.next;
    } while (cursor);
    const differs = JSON.stringify(found) !== JSON.stringify(this._requests);
    this._requests = found;
    if (differs) this._changed();
  }

  // Returns the box of a message, and what it is drawn from.
  box(message) {
    const why = message.why ?? { text: "" };
    const asked = this._requestOf(message);
    const drawn = JSON.stringify([why, message.remediation, asked, this._told.get(message.key), this._busy.has(message.key)]);
    return { drawn, node: this._draw(message, why, asked) };
  }

  _requestOf(message) {
    const about = this._requests.filter((one) => one.to === message.peer && (one.state === "open" || Date.parse(one.opened_at) >= message.at - 1_000));
    return about.at(-1) ?? null;
  }

  _draw(message, why, asked) {
    const { el } = this._dom;
    const remedies = message.remediation ?? [];
    const mine = remedies.filter((one) => one.actor === "user").map((one) => one.action);
    const others = remedies.filter((one) => one.actor === "nobody").map((one) => one.action);
    const canAsk = remedies.some((one) => one.actor === "admin") && !NOT_BY_ADMINS.test(why.code ?? "");
    const told = this._told.get(message.key);
    return el(
      "div",
      { class: "chat-refusal", data: { refusal: why.code ?? "" } },
      el("p", { class: "chat-refusal-title", text: "This message wasn't sent." }),
      el("p", { text: why.text || "It cannot be sent." }),
      ...mine.map((text) => el("p", { text: `What you can do: ${text}` })),
      ...(mine.length || canAsk ? [] : others.map((text) => el("p", { class: "muted", text }))),
      asked ? this._answer(message, asked) : told ? el("p", { class: "chat-asked", role: "status", tabindex: "-1", data: { asked: "told" }, text: told.text }) : canAsk ? this._form(message) : null,
      told?.possible && !asked ? this._again(message) : null,
    );
  }

  _answer(message, asked) {
    const { el } = this._dom;
    const at = this._clock.later(Date.parse(asked.opened_at));
    if (asked.state === "open") {
      return el("p", { class: "chat-asked", role: "status", tabindex: "-1", data: { asked: "open" }, text: `You asked your admin (${at}). It says here when it is possible.` });
    }
    if (asked.state === "possible") {
      return el("div", { class: "chat-asked chat-asked-good", role: "status", tabindex: "-1", data: { asked: "possible" } }, el("p", { text: "Your admin made it possible: you can text this number now." }), this._again(message));
    }
    return el("p", { class: "chat-asked", role: "status", tabindex: "-1", data: { asked: asked.state }, text: `Your admin closed the request.${asked.answer ? ` “${asked.answer}”` : ""}` });
  }

  _again(message) {
    return this._dom.el("button", { class: "button", type: "button", data: { chat: "resend" }, text: "Send it again", on: { click: () => this._resend(message) } });
  }

  _form(message) {
    const { el } = this._dom;
    const busy = this._busy.has(message.key);
    const note = el("input", { type: "text", maxlength: "500", "aria-label": "Note for your admin (optional)", placeholder: "Note for your admin (optional)", data: { chat: "note" }, on: { input: () => this._notes.set(message.key, note.value) } });
    note.value = this._notes.get(message.key) ?? "";
    const send = el("button", { class: "button", type: "button", "aria-disabled": busy && "true", data: { chat: "ask" }, text: busy ? "Asking…" : "Ask my admin", on: { click: () => this._ask(message) } });
    return el("div", { class: "chat-ask" }, note, send);
  }

  async _ask(message) {
    if (this._busy.has(message.key)) return;
    this._busy.add(message.key);
    this._changed();
    const note = (this._notes.get(message.key) ?? "").trim();
    const body = { to: message.peer, reason: message.why.code, ...(note && { note }) };
    const answer = await this._net.toRegistry("POST", "/v1/requests", { body }).catch(() => null);
    this._busy.delete(message.key);
    if (answer && answer.status < 300) {
      this._requests = [...this._requests.filter((one) => one.id !== answer.body.id), answer.body];
    } else {
      this._told.set(message.key, outcome(answer?.body));
    }
    this._changed();
    // The button is gone: whoever pressed it by keys goes on from what stands there instead.
    document.querySelector("[data-asked]")?.focus();
  }
}

function outcome(said) {
  switch (said?.code) {
    case "already_possible":
      return { text: "Texting this number is possible now.", possible: true };
    case "nobody_can_help":
      return { text: "Your admin cannot change this. The other person can, or nobody." };
    case "too_many_requests":
      return { text: "You asked for many things already. Wait until some are answered." };
    default:
      return { text: said?.title ? `Asking did not work: ${said.title}.` : "Asking did not work. Try again later." };
  }
}
