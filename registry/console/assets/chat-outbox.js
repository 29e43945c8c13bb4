// Sends messages, each once: a try whose outcome nobody knows is made again with the same key, which the gateway takes
// for the same message. What waits is kept for this tab, so that a reload sends it, too, and still once.

const FIRST_WAIT_MS = 800;
const LONGEST_WAIT_MS = 20_000;
const PATIENCE_MS = 10 * 60_000;
// Keys are remembered for 24 hours; what is older might be sent twice.
const KEY_GOOD_MS = 23 * 3_600_000;

export class Outbox {
  // changed(peer): the state of a message is another; accepted and refused are told with the answer.
  constructor({ net, model, kept, name, changed, refused }) {
    Object.assign(this, { _net: net, _model: model, _kept: kept, _name: name, _changed: changed, _refused: refused });
    this._lines = new Map();
    this._wake = new Set();
    window.addEventListener("online", () => this.hurry());
  }

  // Send what a reload interrupted.
  resume() {
    for (const draft of this._kept.read(sessionStorage, this._name, [])) {
      if (Date.now() - draft.at < KEY_GOOD_MS) this.send(draft);
      else this._forget(draft.client);
    }
  }

  // draft: client (its key), to, peer, text, media (id, type, bytes), at.
  send(draft) {
    this._model.sending(draft);
    this._remember(draft);
    this._stand(draft, { status: "sending" });
    // One after the other to the same person, in the order in which they were written.
    const before = this._lines.get(draft.to) ?? Promise.resolve();
    this._lines.set(draft.to, before.then(() => this._deliver(draft)));
  }

  again(message) {
    const draft = this._kept.read(sessionStorage, this._name, []).find((one) => one.client === message.client);
    if (draft) this.send(draft);
  }

  // The connection is back: wait no longer.
  hurry() {
    for (const wake of [...this._wake]) wake();
  }

  async _deliver(draft) {
    const until = Date.now() + PATIENCE_MS;
    let wait = FIRST_WAIT_MS;
    while (!this._model.isTaken(draft.client)) {
      const outcome = await this._try(draft);
      if (outcome.over) return;
      if (Date.now() > until) return this._stand(draft, { status: "stuck" });
      this._stand(draft, { status: "waiting" });
      await this._pause(Math.max(outcome.retryAfter * 1_000, wait * (0.5 + Math.random())));
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }
    this._forget(draft.client);
  }

  // One try; over: its outcome is known.
  async _try(draft) {
    const body = {
      to: draft.to,
      client_message_id: draft.client,
      ...(draft.text && { text: draft.text }),
      ...(draft.media.length && { media: draft.media.map(({ id }) => ({ id })) }),
    };
    const headers = { "Idempotency-Key": draft.client };
    let answer;
    try {
      answer = await this._net.toGateway("POST", "/v1/messages", { body, headers });
    } catch {
      return { over: false, retryAfter: 0 }; // No answer came: it may have been taken, or not.
    }
    const { status, body: said, retryAfter } = answer;
    if (status === 429 || status >= 500 || status === 401 || !said) return { over: false, retryAfter: retryAfter ?? 0 };
    this._forget(draft.client);
    if (status === 202) {
      this._stand(draft, { id: said.id, channel: said.channel, status: said.send_after ? "scheduled" : "queued", sendAfter: said.send_after ?? null });
    } else {
      this._stand(draft, refusal(said));
      this._refused(draft.peer);
    }
    return { over: true };
  }

  _stand(draft, fields) {
    this._model.answered(draft.client, fields);
    this._changed(draft.peer);
  }

  _pause(ms) {
    return new Promise((resolve) => {
      const over = () => {
        clearTimeout(due);
        this._wake.delete(over);
        resolve();
      };
      const due = setTimeout(over, ms);
      this._wake.add(over);
    });
  }

  _remember(draft) {
    const others = this._kept.read(sessionStorage, this._name, []).filter((one) => one.client !== draft.client);
    this._kept.write(sessionStorage, this._name, [...others, draft]);
  }

  _forget(client) {
    const others = this._kept.read(sessionStorage, this._name, []).filter((one) => one.client !== client);
    this._kept.write(sessionStorage, this._name, others);
  }
}

// What a refusal says: a decision with its reason, or a request that cannot be.
function refusal(said) {
  if (said.reason) return { id: said.id, channel: said.channel, status: "refused", why: said.reason, remediation: said.remediation ?? [] };
  const text = [said.detail || said.title, said.fix].filter(Boolean).join(" ");
  return { status: "refused", why: { code: said.code ?? "", text }, remediation: [] };
}
