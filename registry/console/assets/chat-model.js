// What is known: the messages of each conversation, from the ledger, the inbox, live events and what is being sent.
// The same message comes from several of them; it is there once, and its state only moves forward. No DOM in here.

const ENDS = ["delivered", "undelivered", "failed", "expired", "cancelled", "blocked", "refused", "unknown"];
const RANK = { waiting: 0, sending: 0, stuck: 0, queued: 1, scheduled: 1, submitting: 2, submitted: 3 };
const rank = (status) => (ENDS.includes(status) ? 4 : (RANK[status] ?? 0));

export const isOver = (status) => ENDS.includes(status);

export class Model {
  // marks: how far each conversation was read, by the other side to a cursor of the inbox.
  constructor(user, marks) {
    this.user = user;
    this.marks = marks;
    this.threads = new Map();
    this.names = new Map();
    this.inboxCursor = "";
    this._byId = new Map();
    this._byClient = new Map();
  }

  thread(peer) {
    let found = this.threads.get(peer);
    if (!found) {
      // next: cursor of earlier messages of our own; undefined: none were loaded yet, null: all are here.
      found = { peer, messages: new Map(), next: undefined };
      this.threads.set(peer, found);
    }
    return found;
  }

  // Take in a message of our own, as the ledger, an event or an answer shows it; returns the other side.
  own(item) {
    const known = this._byId.get(item.id) ?? this._byClient.get(item.client_message_id ?? "");
    const message = known ?? { key: item.id, mine: true, status: "queued", client: item.client_message_id };
    if (message.peer !== undefined && message.peer !== item.to) this._remove(message);
    message.id = item.id;
    message.peer = item.to;
    message.at = instantOf(item.id) ?? Date.parse(item.sent_at);
    message.channel = item.channel;
    message.kind = item.kind;
    message.text = item.text;
    message.media = item.media ?? [];
    message.sendAfter = item.send_after ?? null;
    if (rank(item.status) >= rank(message.status)) {
      message.status = item.status;
      message.code = item.status_code ?? message.code;
      message.why = item.reason ?? message.why;
      message.remediation = item.remediation ?? message.remediation;
    }
    this._put(message);
    return item.to;
  }

  // Take in what came; returns the other side, or null when it was here.
  inbound(item) {
    const key = `i-${item.cursor}`;
    const peer = item.from_user ?? item.from;
    if (after(item.cursor, this.inboxCursor)) this.inboxCursor = item.cursor;
    if (this.thread(peer).messages.has(key)) return null;
    this._put({
      key,
      peer,
      mine: false,
      cursor: item.cursor,
      at: instantOf(item.cursor) ?? Date.parse(item.sent_at),
      channel: item.channel,
      text: item.text,
      media: item.media ?? [],
      meaning: item.meaning,
      to: item.to,
    });
    return peer;
  }

  // Take in a change of status; returns the other side, or null when the message is not known.
  changed(event) {
    const message = this._byId.get(event.id);
    if (!message || rank(event.status) < rank(message.status)) return null;
    message.status = event.status;
    message.code = event.code ?? message.code;
    return message.peer;
  }

  // Show a message that is being sent, until an answer or an event says more of it.
  sending(draft) {
    const known = this._byClient.get(draft.client);
    if (known) return known;
    const message = { ...draft, key: `c-${draft.client}`, mine: true, status: "sending" };
    this._put(message);
    return message;
  }

  // Say whether a message that is being sent was taken: the answer may be lost, the event is there.
  isTaken(client) {
    return Boolean(this._byClient.get(client)?.id);
  }

  // Which conversation a message that is being sent is in.
  peerOf(client) {
    return this._byClient.get(client)?.peer ?? null;
  }

  // Take in the id and what is told with it, of a message that was taken or refused.
  answered(client, fields) {
    const message = this._byClient.get(client);
    if (!message) return;
    if (fields.id) {
      // The ledger may have been quicker.
      const twin = this._byId.get(fields.id);
      if (twin && twin !== message) this._remove(message);
      message.id = fields.id;
      if (!twin) this._byId.set(fields.id, message);
    }
    if (rank(fields.status) < rank(message.status)) delete fields.status;
    Object.assign(message, fields);
  }

  // Whose names are not known yet.
  nameless() {
    return [...this.threads.keys()].filter((peer) => !peer.startsWith("+") && !this.names.has(peer));
  }

  // The messages of a conversation as they are shown, the oldest first: those that came before the earliest of our own
  // that is here would stand alone, so they wait until the ones around them are loaded.
  shown(peer) {
    const thread = this.threads.get(peer);
    if (!thread) return [];
    const all = [...thread.messages.values()].sort((one, other) => one.at - other.at || order(one, other));
    if (!thread.next) return all;
    const first = all.findIndex((one) => one.mine);
    return first < 0 ? all : all.slice(first);
  }

  // The conversations, the latest first.
  list() {
    const found = [];
    for (const thread of this.threads.values()) {
      let last = null;
      let lastMine = 0;
      for (const one of thread.messages.values()) {
        if (!last || one.at > last.at || (one.at === last.at && order(one, last) > 0)) last = one;
        if (one.mine) lastMine = Math.max(lastMine, one.at);
      }
      if (!last) continue;
      let unread = 0;
      for (const one of thread.messages.values()) {
        if (!one.mine && one.at >= lastMine && after(one.cursor, this.marks[thread.peer] ?? "")) unread += 1;
      }
      found.push({ peer: thread.peer, last, unread });
    }
    return found.sort((one, other) => other.last.at - one.last.at);
  }

  // Note that a conversation was read to its end; says whether that is news.
  read(peer) {
    let last = this.marks[peer] ?? "";
    for (const one of this.threads.get(peer)?.messages.values() ?? []) {
      if (one.cursor && after(one.cursor, last)) last = one.cursor;
    }
    const isNews = last !== (this.marks[peer] ?? "");
    if (isNews) this.marks[peer] = last;
    return isNews;
  }

  // Say whether the other side asked for no more texts, by the last of their words that was about that.
  optedOut(peer) {
    let last = null;
    for (const one of this.threads.get(peer)?.messages.values() ?? []) {
      if (["stop", "start"].includes(one.meaning) && (!last || one.at >= last.at)) last = one;
    }
    return last?.meaning === "stop";
  }

  _put(message) {
    this.thread(message.peer).messages.set(message.key, message);
    if (message.id) this._byId.set(message.id, message);
    if (message.client) this._byClient.set(message.client, message);
  }

  _remove(message) {
    const thread = this.threads.get(message.peer);
    thread?.messages.delete(message.key);
    if (thread && !thread.messages.size) this.threads.delete(message.peer);
  }
}

// Of two messages of one instant: cursors and ids have the order in them; what is being sent is last.
function order(one, other) {
  const name = (message) => message.cursor ?? message.id ?? "~";
  return name(one) < name(other) ? -1 : name(one) > name(other) ? 1 : 0;
}

// Ids and cursors have the store's milliseconds in them, where times are told to the second: 0-<ms>-0-0, r-0-<ms>-0 of
// one that was refused, <ms>-0 in the inbox.
function instantOf(name) {
  const found = /(?:^|-)(\d{13})-/.exec(name ?? "");
  return found ? Number(found[1]) : null;
}

// Say whether a cursor of the inbox, such as 1795204800250-3, is behind another.
export function after(cursor, other) {
  if (!other) return true;
  const [ms, seq] = cursor.split("-").map(Number);
  const [otherMs, otherSeq] = other.split("-").map(Number);
  return ms > otherMs || (ms === otherMs && seq > otherSeq);
}
