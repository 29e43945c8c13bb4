"""What carriers and we ourselves say of a message on its way, in words.

Source: the error pages of Bandwidth (four digits), Twilio (20000 to 39999) and Telnyx (40000 to 49999), as of 2026; our
own words are those of gateway/queue/retry.py and gateway/connectors.

Not here: why a message was not taken at all (explained.py).
"""

from typing import Final

from compliance.catalogue import reason as entry_of
from compliance.codes import Code

_CODES: Final = {
    "4403": "The sender number is not allowed to send.",
    "4404": "The recipient's number is not allowed.",
    "4405": "The sender number is not allocated.",
    "4406": "The recipient's number is not allocated.",
    "4435": "There are too many recipients.",
    "4470": "The upstream took it for spam.",
    "4475": "The recipient opted out, says the upstream.",
    "4476": "The sender number is not registered, says the upstream.",
    "4720": "The carrier does not know the recipient's number.",
    "4721": "The recipient's number is deactivated.",
    "4740": "The carrier does not accept the sender number.",
    "4750": "The carrier rejected it without a reason.",
    "4770": "The carrier took it for spam.",
    "4771": "The carrier does not carry shortened links.",
    "4772": "The carrier blocks the sender number.",
    "4773": "The campaign is not active at this carrier.",
    "4774": "The sender number is not set up rightly at the carriers.",
    "4775": "The recipient opted out, says the carrier.",
    "4780": "The daily limit of T-Mobile is reached.",
    "4781": "The limit of AT&T for this campaign is reached.",
    "4785": "A limit of the carrier is reached.",
    "4795": "The toll-free number is not verified.",
    "9902": "No receipt came in time.",
    "9999": "The carrier does not say why.",
    "30003": "The phone could not be reached: off, or without a signal.",
    "30004": "The recipient blocks such messages.",
    "30005": "The recipient's number does not exist, or is out of service.",
    "30006": "The number is a landline, or its carrier cannot be reached.",
    "30007": "A carrier filtered it for its content.",
    "30008": "The carrier does not say why.",
    "30022": "The limit of the campaign at a carrier is reached.",
    "30023": "The daily limit of T-Mobile is reached.",
    "30024": "The sender number is not set up at the carrier yet.",
    "30032": "The toll-free number is not verified.",
    "30033": "The campaign is suspended.",
    "30034": "The sender number is not registered for business texting.",
    "30035": "The sender number is still being set up at the carriers.",
    "21610": "The recipient opted out.",
    "40002": "The carrier took it for spam, for now.",
    "40003": "The carrier took it for spam.",
    "40008": "It could not be delivered.",
    "40010": "The sender number is not registered for business texting.",
    "40016": "The daily limit of T-Mobile is reached.",
    "40018": "The limit of AT&T for this campaign is reached.",
    "40300": "The recipient opted out.",
}
_OURS: Final = {
    "validity_expired": "Its time was over before a carrier took it.",
    "left_open": "The process that sent it ended before the answer came.",
    "taken_over": "Another process went on with it.",
    "temporary": "The carrier could not take it at that moment.",
    "timeout": "The carrier did not answer in time.",
    "disconnected": "The connection broke before the carrier answered.",
    "connector_crashed": "Our side of the connection failed.",
    "answer_unreadable": "The carrier's answer could not be read.",
    "answer_without_id": "The carrier's answer names no message.",
    "answer_about_another": "The carrier's answer is about another message.",
    "answer_incomplete": "The carrier's answer says nothing about this message.",
    "answer_contradicts_itself": "The carrier's answer says two things at once.",
    "answer_too_large": "The carrier's answer is too large to read.",
    "malformed": "The carrier could not read it.",
    "throttled": "The carrier asked for a slower pace.",
    "misconfigured": "The carrier refused our access; operators were told.",
    "http_503": "The carrier could not take it at that moment.",
}
_BEFORE: Final = (
    ("doubt_", "It is not known whether the carrier has it. "),
    ("carrier_", "The carrier did not take it. "),
)
_STATUSES: Final = {
    "queued": "Waits to be handed to a carrier",
    "scheduled": "Waits for its time",
    "submitting": "Is being handed to the carrier",
    "submitted": "The carrier has it",
    "delivered": "Reached the phone",
    "undelivered": "The carrier could not deliver it",
    "failed": "Was not sent",
    "expired": "Its time was over",
    "cancelled": "Was cancelled",
    "blocked": "Was stopped before it went out",
    "unknown": "Nobody knows whether it arrived",
    "refused": "Was not accepted",
}


def code_in_words(code: str | None) -> str:
    """Return what a code means; "" where there is none, or nothing is known of it."""
    if not code:
        return ""
    for prefix, said in _BEFORE:
        if code.startswith(prefix):
            return (said + code_in_words(code.removeprefix(prefix))).strip()
    if code in set(Code):  # Judged once more before it went out.
        return entry_of(Code(code)).title
    return _CODES.get(code) or _OURS.get(code, "")


def status_in_words(status: str) -> str:
    """Return what a status means for the message."""
    return _STATUSES.get(status, status)
