from datetime import date

from compliance.documents import LineDocument, UserDocument
from compliance.facts import Facts, Owner, Recipient, RegistryState, Sender
from gateway.send.assemble import build_facts, sender_of
from tests.builders import AT, TENANT, USER, a_brand, a_campaign, a_message, a_number, a_sender, an_opt_out

ANN = UserDocument(id=USER, tenant=TENANT, customer_since=date(2024, 3, 1), number="+12025550111")


def test_the_sender_is_the_user_with_their_number():
    """Nothing is judged, nothing is left out."""
    assert sender_of(ANN, a_number(), a_campaign(), a_brand()) == Sender(
        tenant=TENANT,
        customer_since=date(2024, 3, 1),
        user=USER,
        number=a_number(),
        campaign=a_campaign(),
        brand=a_brand(),
    )


def test_every_piece_comes_to_its_place():
    """The directory's answer as it is, of whatever tenant: whether it is internal is the judge's to say."""
    outsider, stale = Owner(tenant="t2", user="u9"), RegistryState(state="stale", age_s=9)

    facts = build_facts(
        at=AT,
        message=a_message(),
        sender=a_sender(),
        directory=outsider,
        line=LineDocument(carrier="att", line="landline"),
        opt_out=an_opt_out(),
        registry=stale,
    )

    assert facts == Facts(
        at=AT,
        message=a_message(),
        sender=a_sender(),
        recipient=Recipient(directory=outsider, carrier="att", line="landline", opted_out=an_opt_out()),
        registry=stale,
    )


def test_what_is_not_known_has_the_defaults_of_the_record():
    """Unknown carrier and line, no opt-out, zero counters, live registry."""
    facts = build_facts(at=AT, message=a_message(), sender=a_sender(), directory=None)

    assert facts == Facts(at=AT, message=a_message(), sender=a_sender())
