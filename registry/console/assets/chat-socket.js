// The live events: a socket that is opened again whenever it ends, behind the last event that was taken in.

const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 15_000;
const UNAUTHENTICATED = 4_401;
const RESTART = 1_012;

export class Events {
  // heard(frame): an event; began(isNew): a connection is there, isNew when what was before is not known;
  // state("live" | "away"): for the line above the page.
  constructor({ net, heard, began, state }) {
    Object.assign(this, { _net: net, _heard: heard, _began: began, _state: state });
    this._seq = null;
    this._wait = FIRST_WAIT_MS;
    this._refused = false;
    this._due = 0;
    this._over = false;
    window.addEventListener("online", () => this._soon(0));
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this._soon(0));
  }

  async open() {
    if (this._over || this._opening || this._socket) return;
    this._opening = true;
    try {
      const token = await this._net.token(this._refused);
      this._refused = false;
      const after = this._seq ? `?after=${encodeURIComponent(this._seq)}` : "";
      const address = `${this._net.gateway.replace(/^http/, "ws")}/v1/events${after}`;
      this._listen(new WebSocket(address, ["a2p.events.v1", `a2p.bearer.${token}`]));
    } catch (failure) {
      if (failure.constructor.name === "SignedOut") this._over = true;
      else this._again();
    } finally {
      this._opening = false;
    }
  }

  _listen(socket) {
    this._socket = socket;
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      if (frame.type === "hello" || frame.type === "gap") {
        this._wait = FIRST_WAIT_MS;
        this._state("live");
        this._began(frame.type === "gap" || this._seq === null);
      } else if (frame.type !== "position") {
        this._heard(frame);
      }
      // Taken in, and so acknowledged: the next connection begins behind it.
      this._seq = frame.seq;
      if (frame.type !== "hello") socket.send(JSON.stringify({ ack: frame.seq }));
    };
    socket.onclose = ({ code }) => {
      this._socket = null;
      this._refused = code === UNAUTHENTICATED;
      if (code === UNAUTHENTICATED || code === RESTART) this._soon(Math.random() * FIRST_WAIT_MS);
      else this._again();
    };
  }

  _again() {
    this._state("away");
    this._soon(this._wait * (0.5 + Math.random()));
    this._wait = Math.min(this._wait * 2, LONGEST_WAIT_MS);
  }

  _soon(wait) {
    clearTimeout(this._due);
    this._due = setTimeout(() => this.open(), wait);
  }
}
