"""Puts the facts of one leg together from what was looked up. Pure: the send path and the offline commands share it.

Not here: where the pieces come from (gather.py online, company.py offline) and what they mean (compliance/).
"""

from datetime import datetime

from compliance.documents import LineDocument, UserDocument
from compliance.facts import (
    LIVE,
    Brand,
    Campaign,
    Facts,
    Message,
    OptOut,
    Owner,
    Recipient,
    RegistryState,
    Sender,
    SenderNumber,
)


def sender_of(
    user: UserDocument,
    number: SenderNumber | None,
    campaign: Campaign | None,
    brand: Brand | None,
) -> Sender:
    """Return all facts about who sends.

    number is the sender number's own, campaign the one that its assignment names, brand the one that the campaign
    names; None each where there is none.
    """
    return Sender(
        tenant=user.tenant,
        customer_since=user.customer_since,
        user=user.id,
        number=number,
        campaign=campaign,
        brand=brand,
    )


def build_facts(
    *,
    at: datetime,
    message: Message,
    sender: Sender,
    directory: Owner | None,
    line: LineDocument | None = None,
    opt_out: OptOut | None = None,
    free_text_revocation: bool = False,
    registry: RegistryState = LIVE,
) -> Facts:
    """Return all facts about one leg; directory is who message.to is in our own directory. Counters are at zero."""
    return Facts(
        at=at,
        message=message,
        sender=sender,
        recipient=Recipient(
            directory=directory,
            carrier=None if line is None else line.carrier,
            line=None if line is None else line.line,
            opted_out=opt_out,
            free_text_revocation=free_text_revocation,
        ),
        registry=registry,
    )
