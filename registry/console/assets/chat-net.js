// Calls of the public API with the person's token: the gateway's, and the registry's own at this address.

const TOKEN_GOOD_MS = 240_000; // It lives for 300 s; a call under way must not outlive it.
const PATIENCE_MS = 20_000;

// No answer came: nobody knows whether it was done.
export class NoAnswer extends Error {}
// The sign-in has ended.
export class SignedOut extends Error {}

export class Net {
  constructor({ gateway, csrf, signedOut }) {
    this.gateway = gateway || location.origin;
    this._csrf = csrf;
    this._signedOut = signedOut;
    this._token = null;
  }

  // Give a token that is good for a while; one question at a time, however many ask. fresh: the last one was refused.
  async token(fresh = false) {
    const now = performance.now();
    if (fresh && this._token?.at < now - 1_000) this._token = null;
    if (!this._token || this._token.at < now - TOKEN_GOOD_MS) {
      const asked = { at: now, text: this._ask() };
      this._token = asked;
      asked.text.catch(() => {
        if (this._token === asked) this._token = null;
      });
    }
    return this._token.text;
  }

  async _ask() {
    const answer = await this._fetch("/console/token", {
      method: "POST",
      headers: { "X-CSRF": this._csrf },
      redirect: "manual", // It leads to the sign-in when that has ended.
    });
    if (answer.ok) return (await answer.json()).token;
    if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) {
      this._signedOut();
      throw new SignedOut();
    }
    throw new NoAnswer();
  }

  toGateway(method, path, more) {
    return this._call(this.gateway + path, method, more);
  }

  toRegistry(method, path, more) {
    return this._call(path, method, more);
  }

  // Returns status, body (JSON, or null) and how many seconds to wait before another try (null: not said).
  async _call(address, method, { body, bytes, type, headers = {}, signal, blob = false } = {}) {
    let answer;
    for (const again of [false, true]) {
      const fields = { ...headers, Authorization: `Bearer ${await this.token(again)}` };
      if (body !== undefined) fields["Content-Type"] = "application/json";
      if (bytes !== undefined) fields["Content-Type"] = type;
      const sent = body === undefined ? bytes : JSON.stringify(body);
      answer = await this._fetch(address, { method, headers: fields, body: sent, signal });
      if (answer.status !== 401) break;
    }
    const wait = Number.parseFloat(answer.headers.get("Retry-After"));
    const retryAfter = Number.isFinite(wait) ? wait : null;
    if (blob && answer.ok) return { status: answer.status, body: await answer.blob(), retryAfter };
    return { status: answer.status, body: await answer.json().catch(() => null), retryAfter };
  }

  async _fetch(address, options) {
    const over = AbortSignal.timeout(PATIENCE_MS);
    const signal = options.signal ? AbortSignal.any([options.signal, over]) : over;
    try {
      return await fetch(address, { cache: "no-store", credentials: "same-origin", ...options, signal });
    } catch (failure) {
      if (options.signal?.aborted) throw failure;
      throw new NoAnswer();
    }
  }
}
