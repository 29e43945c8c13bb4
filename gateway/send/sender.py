"""Who sends: user, number, campaign and brand, found by following what one document says of the next.

The same documents always give the same sender, so senders are remembered until a document becomes another.

Not here: bringing documents to hand (gather.py, near/).
"""

from datetime import date
from typing import Final, NamedTuple

import orjson

from compliance.documents import UserDocument, brand_key, campaign_key, number_key, user_key
from compliance.facts import Sender, SenderNumber
from compliance.recording import sender_to
from gateway.near import decoded
from gateway.near.memory import Documents
from gateway.send.assemble import sender_of

#: For a sender who is nobody: the judge refuses such a message for its number, whatever the date.
_NOBODY_SINCE: Final = date.max
#: Senders remembered at a time.
_MOST_REMEMBERED: Final = 100_000


class Who(NamedTuple):
    """How a message names its sender."""

    tenant: str
    #: None: the owner of the number.
    user: str | None
    #: In canonical form; None where there is none, or none that can be read.
    number: str | None
    #: The message names a number, readable or not; otherwise the user's own is meant.
    names_number: bool


class Found(NamedTuple):
    """A sender, as far as the documents tell."""

    #: The documents about this sender that are known of.
    keys: tuple[str, ...]
    #: None when there is no such user in the tenant.
    user: str | None
    #: E.164; None when there is no number.
    did: str | None
    facts: Sender
    #: The facts as the decision record has them.
    json: bytes


class Senders:
    """Finds senders, and remembers them."""

    def __init__(self) -> None:
        self._remembered: dict[Who, Found] = {}
        self._documents: Documents | None = None
        self._version = -1

    def find(self, who: Who, documents: Documents) -> Found:
        """Follow the documents; one of found.keys that is not at hand must be brought before the sender is known."""
        if documents is not self._documents or documents.version != self._version:
            self._remembered.clear()
            self._documents, self._version = documents, documents.version
        found = self._remembered.get(who)
        if found is None:
            found = _found(who, documents)
            if all(key in documents for key in found.keys):
                self._remember(who, found)
        return found

    def _remember(self, who: Who, found: Found) -> None:
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[who] = found


def _found(who: Who, documents: Documents) -> Found:
    user_id = _user_id(who, documents)
    user = _user_of(who, user_id, documents)
    did = who.number if who.names_number else (None if user is None else user.number)
    needed = [] if user_id is None else [user_key(user_id)]
    if did is not None:
        needed += _registration_keys(did, documents)
    facts = _facts(who, user, did, documents)
    return Found(
        keys=tuple(needed),
        user=None if user is None else user.id,
        did=did,
        facts=facts,
        json=orjson.dumps(sender_to(facts)),
    )


def _user_id(who: Who, documents: Documents) -> str | None:
    if who.user is not None or who.number is None:
        return who.user
    number = _own(who, decoded.number(documents.get(number_key(who.number))))
    return None if number is None or number.owner is None else number.owner.user


def _user_of(who: Who, user_id: str | None, documents: Documents) -> UserDocument | None:
    user = None if user_id is None else decoded.user(documents.get(user_key(user_id)))
    return user if user is not None and user.tenant == who.tenant else None


def _registration_keys(did: str, documents: Documents) -> list[str]:
    keys = [number_key(did)]
    number = decoded.number(documents.get(keys[-1]))
    if number is not None and number.assignment is not None and number.assignment.campaign_id is not None:
        keys.append(campaign_key(number.assignment.campaign_id))
        campaign = decoded.campaign(documents.get(keys[-1]))
        if campaign is not None:
            keys.append(brand_key(campaign.brand_id))
    return keys


def _own(who: Who, number: SenderNumber | None) -> SenderNumber | None:
    """Return the number if it is the tenant's: others' are as unknown as none, in the record of a refusal too."""
    if number is None or number.owner is None or number.owner.tenant != who.tenant:
        return None
    return number


def _facts(who: Who, user: UserDocument | None, did: str | None, documents: Documents) -> Sender:
    person = user or UserDocument(id="", tenant=who.tenant, customer_since=_NOBODY_SINCE)
    number = None if did is None else _own(who, decoded.number(documents.get(number_key(did))))
    assignment = None if number is None else number.assignment
    if assignment is None or assignment.campaign_id is None:
        return sender_of(person, number, None, None)
    campaign = decoded.campaign(documents.get(campaign_key(assignment.campaign_id)))
    brand = None if campaign is None else decoded.brand(documents.get(brand_key(campaign.brand_id)))
    return sender_of(person, number, campaign, brand)
