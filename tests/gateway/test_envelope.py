import orjson
import pytest

from gateway import envelope
from gateway.envelope import Attachment, Channel, Envelope, Kind, TrafficClass

#: What lies in queues that are older than this code: it is read for as long as version 1 is.
GOLDEN = (
    b'{"v":1,"tenant":"acme","user":"acme-ann","channel":"mms","origin":"app","from":"+12025550111",'
    b'"to":"+14155550143","text":"Lunch? \xf0\x9f\x8d\x9c","media":[{"id":"m1","type":"image/png","bytes":5}],'
    b'"participants":2,"class":"p2p","campaign_id":"C1","segments":1,"encoding":"ucs2",'
    b'"accepted_ms":1795323549418,"not_before_ms":1795323550000,'
    b'"expires_ms":1795337949418,"client_message_id":"c-1","verdict":"allow","reason":"ok_registered",'
    b'"record":{"v":1,"id":""}}'
)


def an_envelope(**fields) -> Envelope:
    """Build the one of the golden bytes."""
    defaults = {
        "tenant": "acme",
        "user": "acme-ann",
        "channel": Channel.MMS,
        "origin": "app",
        "sender": "+12025550111",
        "recipient": "+14155550143",
        "text": "Lunch? 🍜",
        "media": (Attachment(id="m1", type="image/png", bytes=5),),
        "participants": 2,
        "traffic_class": TrafficClass.P2P,
        "campaign_id": "C1",
        "segments": 1,
        "encoding": "ucs2",
        "accepted_ms": 1_795_323_549_418,
        "not_before_ms": 1_795_323_550_000,
        "expires_ms": 1_795_337_949_418,
        "client_message_id": "c-1",
        "verdict": "allow",
        "reason": "ok_registered",
        "record": b'{"v":1,"id":""}',
    }
    return Envelope(**defaults | fields)


def test_the_bytes_stay_what_they_are():
    """A worker reads what an older gateway wrote, and the other way round, while both run."""
    assert envelope.dump(an_envelope()) == GOLDEN
    assert envelope.load(GOLDEN) == an_envelope()


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.MESSAGE])
def test_an_answer_of_ours_says_so(kind):
    """Only what differs is written, so that what lies in older queues is read as before."""
    raw = envelope.dump(an_envelope(kind=kind))

    assert envelope.load(raw) == an_envelope(kind=kind)
    assert raw == GOLDEN.replace(b',"record"', b',"kind":"%b","record"' % kind.encode())


def test_which_answers_go_to_whoever_asked():
    """The one confirmation of an opt-out, and help; a welcome back does not go to who has left again."""
    ignoring = {kind for kind in Kind if an_envelope(kind=kind).ignores_opt_out}
    assert ignoring == {Kind.STOP_REPLY, Kind.HELP_REPLY}


def test_an_instant_message_without_a_number_comes_back():
    """Null where there is nothing."""
    kept = an_envelope(channel=Channel.IM, sender=None, campaign_id=None, client_message_id=None, media=())

    assert envelope.load(envelope.dump(kept)) == kept


def test_no_line_feed_whatever_the_text():
    """Line feeds separate messages in the store."""
    raw = envelope.dump(an_envelope(text="a\nb\r\n\u2028", client_message_id="\n"))

    assert b"\n" not in raw
    assert envelope.load(raw).text == "a\nb\r\n\u2028"


def test_a_conversation_is_a_sender_and_a_recipient():
    """Whose order is kept."""
    assert an_envelope().conversation == ("+12025550111", "+14155550143")


@pytest.mark.parametrize("field", [name for name in orjson.loads(GOLDEN) if name != "v"])
def test_a_missing_field_is_told(field):
    """ValueError, for whoever reads can do nothing else about it."""
    data = orjson.loads(GOLDEN)
    del data[field]

    with pytest.raises(ValueError, match="envelope"):
        envelope.load(orjson.dumps(data))


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"1", b"{}", GOLDEN.replace(b'"v":1,"t', b'"v":2,"t'), GOLDEN.replace(b'"mms"', b'"fax"')]
)
def test_what_is_no_envelope(raw):
    """The same."""
    with pytest.raises(ValueError):  # noqa: PT011 - of orjson, of an enumeration, or of ours
        envelope.load(raw)
