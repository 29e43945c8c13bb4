"""One leg under judgement: its facts, the policy, and what the rules derive from them, each thing once.

Rules read a Case and nothing else. What is cheap is derived at once; segments and content only when a rule asks.
"""

from compliance.content import Content, read_content
from compliance.destinations import DestinationClass, read_destination
from compliance.facts import Brand, Campaign, Facts
from compliance.pacific import second_of
from compliance.policy import Policy
from compliance.segments import Segments, count_segments

_US = DestinationClass.US
_US_TERRITORY = DestinationClass.US_TERRITORY

#: How old the last known good facts may be, in seconds, by origin; a program gets far less than a person.
_STALE_LIMIT_APP_S = 900
_STALE_LIMIT_API_S = 5
#: How long after an inbound message an answer counts as a reply, in seconds.
_REPLY_S = 60 * 60


def is_internal(facts: Facts) -> bool:
    """Say whether the destination is a colleague: same tenant, by the directory and nothing else."""
    directory = facts.recipient.directory
    return directory is not None and directory.tenant == facts.sender.tenant


class Case:
    """Facts and policy of one leg, with the derived values that rules share."""

    __slots__ = (
        "_content",
        "_segments",
        "brand",
        "campaign",
        "destination",
        "destination_number",
        "facts",
        "is_us",
        "policy",
        "registration_checked",
        "registry_usable",
    )

    def __init__(self, facts: Facts, policy: Policy) -> None:
        self.facts = facts
        self.policy = policy
        #: Class of the destination, and its E.164 form ("" where it has none).
        self.destination, self.destination_number = read_destination(facts.message.to)
        #: A subscriber of a US carrier, territories included, toll-free numbers not.
        self.is_us = self.destination is _US or self.destination is _US_TERRITORY
        sender = facts.sender
        number = sender.number
        #: 10DLC registration is a matter of local numbers; toll-free ones are verified instead.
        self.registration_checked = number is not None and number.kind != "toll_free"
        self.registry_usable = facts.registry.state == "live" or _is_young_enough(facts)
        #: The campaign and brand that rules may look at: None where the number names none or the facts may not be
        #: believed.
        self.campaign: Campaign | None = None
        self.brand: Brand | None = None
        if number is not None and self.registration_checked and self.registry_usable:
            assignment = number.assignment
            if assignment is not None and assignment.state != "removing":
                self.campaign = sender.campaign
                self.brand = sender.brand
        self._segments: Segments | None = None
        self._content: Content | None = None

    @property
    def is_mms(self) -> bool:
        """An MMS has media or more than one external recipient."""
        message = self.facts.message
        return bool(message.media) or message.participants > 1

    @property
    def segments(self) -> Segments:
        """Encoding, units and segments of the text."""
        if self._segments is None:
            self._segments = count_segments(self.facts.message.text)
        return self._segments

    @property
    def units(self) -> int:
        """What carriers count: an MMS is 1, an SMS its segments."""
        return 1 if self.is_mms else self.segments.segments

    @property
    def content(self) -> Content:
        """What the text contains."""
        if self._content is None:
            self._content = read_content(self.facts.message.text)
        return self._content

    @property
    def is_reply(self) -> bool:
        """Say whether this answers an inbound message of the last 60 minutes (inclusive)."""
        inbound_at = self.facts.message.in_reply_to_inbound_at
        return inbound_at is not None and 0 <= second_of(self.facts.at) - second_of(inbound_at) <= _REPLY_S


def _is_young_enough(facts: Facts) -> bool:
    """Say whether facts that are not live may be used for a while yet."""
    limit = _STALE_LIMIT_APP_S if facts.message.origin == "app" else _STALE_LIMIT_API_S
    return facts.registry.state == "stale" and facts.registry.age_s <= limit
