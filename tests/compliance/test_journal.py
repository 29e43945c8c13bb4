"""The journal's bytes: what gateways wrote yesterday is read tomorrow, and both sides mean the same."""

import re
from pathlib import Path

import orjson
import pytest

from compliance import journal
from compliance.journal import instant_of, lines_of, read_leg, read_line, with_text, without_text
from gateway import envelope
from gateway.queue import TERMINAL, Status, keys
from tests.registry.ledger.journal import an_envelope

FUNCTIONS = Path(__file__).parents[2] / "gateway" / "queue" / "functions"

#: As version 1 wrote it; never to be changed.
GOLDEN = (
    "status\t3-1795204800123-0-1\t1\tqueued\t1795204800123\t\t\t\t\t\t\t"
    '{"v":1,"tenant":"acme","user":"ben","channel":"mms","origin":"app","from":"+12125550101","to":"+16465550151",'
    '"text":"On our\\tway \\u0000","media":[{"id":"m1","type":"image/png","bytes":7}],"participants":2,"class":"p2p",'
    '"campaign_id":"C1","segments":1,"encoding":"gsm7","accepted_ms":1795204800001,"not_before_ms":0,'
    '"expires_ms":1795219200001,"client_message_id":null,"verdict":"flag","reason":"destination_landline",'
    '"kind":"help_reply","record":{"v":1,"facts":{"message":{"from":"+12125550101","text":"On our\\tway \\u0000"}},'
    '"decision":{"verdict":"flag"}}}'
)
SECOND = (
    "doubt\t3-1795204800123-0-1\t3\tsubmitted\t1795204801000\t1\temulator\tem-1\tdoubt_late\tsaid yes\t1795204800900\t"
)


def test_golden_bytes():
    """An entry of version 1, column by column and field by field."""
    first, second = (read_line(line) for line in lines_of(f"{GOLDEN}\n{SECOND}".encode()))
    leg = read_leg(first.payload)

    assert first[:11] == ("status", "3-1795204800123-0-1", 1, "queued", 1795204800123, 0, "", "", "", "", 0)
    assert second == (
        *("doubt", "3-1795204800123-0-1", 3, "submitted", 1795204801000, 1),
        *("emulator", "em-1", "doubt_late", "said yes", 1795204800900, ""),
    )
    assert leg[:-1] == (
        *("acme", "ben", "mms", "app", "+12125550101", "+16465550151", "On our\tway \0"),
        '[{"id":"m1","type":"image/png","bytes":7}]',
        *(2, "p2p", "C1", 1, "gsm7", 1795204800001, 0, 1795219200001, None, "flag", "destination_landline"),
        "help_reply",
    )
    assert leg.record == GOLDEN.partition('"record":')[2][:-1]


def test_what_the_gateway_writes_is_read():
    """Every field of an envelope; the two modules cannot drift."""
    raw = an_envelope(client_message_id="order-4711", campaign_id="C1", not_before_ms=5)
    written, read = envelope.load(raw), read_leg(raw.decode())

    assert set(read._fields) == set(written._fields)
    for name in set(read._fields) - {"media", "record"}:
        assert getattr(read, name) == getattr(written, name), name
    assert read.media == "[]"
    assert read.record.encode() == written.record


def test_a_text_leaves_its_record_and_comes_back():
    """All the rest of the record stays as it was decided."""
    record = envelope.load(an_envelope(text='On "our" way')).record.decode()
    kept, text = without_text(record)

    assert text == 'On "our" way'
    assert "our" not in kept
    assert with_text(kept, text) == orjson.loads(record)


@pytest.mark.parametrize(
    "raw",
    ["", "status", GOLDEN.replace("\t1\tqueued", "\tone\tqueued"), GOLDEN.replace("\t1\tqueued", f"\t{2**64}\tqueued")],
)
def test_what_is_no_line_is_refused(raw):
    """Columns that lack, numbers that are none, numbers that no database holds."""
    with pytest.raises(ValueError, match=r"journal|invalid literal"):
        read_line(raw)


@pytest.mark.parametrize(
    "change",
    [
        (b'"v":1', b'"v":2'),
        (b'"tenant":"acme"', b'"tenant":7'),
        (b'"segments":1', b'"segments":true'),
        (b'"segments":1', b'"segments":1e400'),
        (b'"expires_ms":', b'"expires_ms":-'),
        (b'"text":', b'"txt":'),
        (b"{", b"["),
    ],
)
def test_what_is_no_envelope_is_refused(change):
    """Never a row with half of it."""
    with pytest.raises(ValueError, match="envelope"):
        read_leg(an_envelope().replace(*change, 1).decode())


@pytest.mark.parametrize("record", ["{}", "[]", "7", '{"facts":{"message":{"text":null}}}', "no"])
def test_what_is_no_record_is_refused(record):
    """Or a text would stay in it."""
    with pytest.raises(ValueError, match="record"):
        without_text(record)


def test_what_carriers_say_is_shown_and_not_refused():
    """Bytes that are no UTF-8, and NUL, which no database holds."""
    (line,) = lines_of(SECOND.encode().replace(b"said yes", b"\xff\0"))

    assert read_line(line).detail == "\ufffd\ufffd"


@pytest.mark.parametrize(
    ("name", "at_ms"),
    [
        ("0-1795204800123-4-0", 1795204800123),
        ("r-3-1795204800123-4", 1795204800123),
        ("g-3-1795204800123-4", None),
        ("3-1795204800123-4\n", None),
        ("٣-1795204800123-4-0", None),
        ("", None),
    ],
)
def test_ids(name, at_ms):
    """Only ours say when."""
    assert instant_of(name) == at_ms


def test_names_are_the_gateways():
    """Keys, words and the cap are written down twice, and are the same."""
    source = (FUNCTIONS / "call.lua").read_text(encoding="utf-8")
    assert journal.PARTITIONS_KEY == keys.PARTITIONS
    assert journal.journal_key(3) == keys.journal(3)
    assert journal.message_key(3, "x") == f"{keys.base(3)}:m:x"
    assert set(journal.OPEN_STATUSES + journal.END_STATUSES) == {status.value for status in Status}
    assert set(journal.END_STATUSES) == {status.value for status in TERMINAL}
    assert set(journal.CHANNELS) == {channel.value for channel in envelope.Channel}
    assert envelope.TrafficClass(journal.URGENT)
    assert re.search(r"JOURNAL_LENGTH, JOURNAL_LINES = (\d+), 16", source)[1] == str(journal.LENGTH)
