// The words of the page: states, times in the person's zone, phone numbers, and what a text costs.

const DAY_MS = 86_400_000;
const BADGES = { im: "IM", sms: "SMS", mms: "MMS" };
// Signs that word processors put for plain ones. Each makes the whole text twice as long on the wire.
const CURLY = { "‘": "'", "’": "'", "‚": "'", "‛": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-", "―": "-", "…": "...", "\u00a0": " ", "\u202f": " " };
const CURLY_SIGNS = new RegExp(`[${Object.keys(CURLY).join("")}]`, "gu");
// GSM 03.38, with its extension.
const PLAIN = /^[@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&'()*+,\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà\f^{}\\[~\]|€]*$/u;

export function words(zone) {
  const format = (options) => new Intl.DateTimeFormat("en-US", { timeZone: zone, ...options });
  const time = format({ hour: "numeric", minute: "2-digit" });
  const weekday = format({ weekday: "long" });
  const day = format({ month: "short", day: "numeric" });
  const longDay = format({ weekday: "long", month: "long", day: "numeric", year: "numeric" });
  const full = format({ dateStyle: "medium", timeStyle: "long" });
  const date = format({ year: "numeric", month: "2-digit", day: "2-digit" });
  // Days between today and then, as the calendar of the zone has them.
  const ago = (at) => Math.round((Date.parse(date.format(Date.now())) - Date.parse(date.format(at))) / DAY_MS);

  return {
    time: (at) => time.format(at),
    full: (at) => full.format(at),
    dayOf: (at) => date.format(at),
    day(at) {
      const days = ago(at);
      return days === 0 ? "Today" : days === 1 ? "Yesterday" : longDay.format(at);
    },
    // For the list: as short as tells it apart.
    when(at) {
      const days = ago(at);
      if (days <= 0) return time.format(at);
      return days === 1 ? "Yesterday" : days < 7 ? weekday.format(at) : day.format(at);
    },
    later(at) {
      return ago(at) === 0 ? time.format(at) : `${day.format(at)}, ${time.format(at)}`;
    },
  };
}

export const badge = (channel) => BADGES[channel] ?? "";

// Write a number as people do: +1 202-555-0123.
export function phone(number) {
  const found = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(number ?? "");
  return found ? `+1 ${found[1]}-${found[2]}-${found[3]}` : (number ?? "");
}

// Read what stands in "To": a number as people type it, an extension, or null where it is neither.
export function address(typed) {
  const text = typed.trim();
  if (/^user:\S+$/.test(text)) return { to: text, peer: text.slice(5) };
  const digits = text.replace(/[\s().\u2010-\u2015-]/g, "");
  if (/^\d{1,6}$/.test(digits)) return { to: `ext:${digits}`, peer: null };
  if (/^\+\d{7,15}$/.test(digits)) return { to: digits, peer: digits };
  if (/^\d{10}$/.test(digits)) return { to: text, peer: `+1${digits}` };
  if (/^1\d{10}$/.test(digits)) return { to: text, peer: `+${digits}` };
  return null;
}

// Say how a message stands; sound: how it looks (good, waiting, bad, plain).
export function state(message, clock) {
  const why = message.why?.text ?? "";
  switch (message.status) {
    case "sending":
      return { text: "Sending…", tone: "waiting" };
    case "waiting":
      return { text: "Waiting for the connection. It is sent by itself.", tone: "waiting" };
    case "stuck":
      return { text: "Not sent yet.", tone: "bad" };
    case "queued":
      return { text: "Queued", tone: "waiting" };
    case "scheduled":
      return { text: message.sendAfter ? `Goes at ${clock.later(Date.parse(message.sendAfter))}` : "Goes later", tone: "waiting" };
    case "submitting":
      return { text: "Queued", tone: "waiting" };
    case "submitted":
      return { text: "Sent", tone: "plain" };
    case "delivered":
      return { text: "Delivered", tone: "good" };
    case "undelivered":
      return { text: `Not delivered: the recipient's carrier could not deliver it${told(message.code)}.`, tone: "bad" };
    case "failed":
      return { text: `Not delivered: the carrier did not take it${told(message.code)}.`, tone: "bad" };
    case "expired":
      return { text: "Not delivered: it could not be sent in time.", tone: "bad" };
    case "cancelled":
      return { text: "Cancelled", tone: "plain" };
    case "unknown":
      return { text: "Sent. The carrier never said whether it arrived.", tone: "plain" };
    default:
      return { text: why ? `Not sent. ${why}` : "Not sent.", tone: "bad" };
  }
}

// Carriers' codes mean something to support only; they are told so that it can be asked.
const told = (code) => (code ? ` (code ${code.replace(/^carrier_/, "")})` : "");

// What an attachment is called: its type and size.
export function attachment({ type, bytes }) {
  const size = bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : bytes >= 1e3 ? `${Math.round(bytes / 1e3)} KB` : `${bytes} bytes`;
  const [kind, form] = (type || "file").split("/");
  const name = { image: "Picture", video: "Video", audio: "Sound", text: "Text file" }[kind] ?? "File";
  return `${name} (${(form ?? kind).toUpperCase().replace("JPEG", "JPG")}, ${size})`;
}

// Put plain signs for curly ones.
export const straight = (text) => text.replace(CURLY_SIGNS, (sign) => CURLY[sign]);

// Say what makes a text long: "curly" signs that can be plain ones, an emoji or the like ("signs"), or null.
export function cost(text) {
  if (PLAIN.test(text)) return null;
  return PLAIN.test(straight(text)) ? "curly" : "signs";
}

export const parts = (number) => (number === 1 ? "1 part" : `${number} parts`);
