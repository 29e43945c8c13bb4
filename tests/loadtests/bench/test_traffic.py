"""The company and its texts: everything that is sent must be allowed, or something else is measured."""

import re

import orjson
import pytest

from loadtests.bench.load_wire import read_calls, write_calls
from loadtests.bench.traffic import BATCH_LINES, TEXTS, batches, singles
from loadtests.company import make_company

COMPANY = make_company()
KEYS = {user: f"key-{user}" for user in COMPANY.senders}


@pytest.fixture(scope="module")
def texts():
    """Every single text with its key."""
    return [(call.key, orjson.loads(call.body)) for call in singles(COMPANY, KEYS)]


def test_texts_are_different_and_near_140_characters(texts):
    """One segment each; a text that comes back could be answered from memory."""
    lengths = {len(body["text"]) for _, body in texts}

    assert len({body["text"] for _, body in texts}) == len(texts) == TEXTS
    assert 120 <= min(lengths) <= max(lengths) <= 150


def test_no_text_holds_digits_or_links(texts):
    """A code, a phone number or a link would be flagged, and a run of letters may be a word that is."""
    suspicious = re.compile(r"[0-9@/]|\w\.\w|\b(cbd|thc|otp|rum)\b", re.IGNORECASE)

    assert [body["text"] for _, body in texts if suspicious.search(body["text"])] == []


def test_everybody_sends_from_the_own_number_with_the_own_key(texts):
    """A text from somebody else's number is refused."""
    owners = {did: KEYS[user] for user, did in COMPANY.senders.items()}

    assert all(owners[body["from"]] == key for key, body in texts)
    assert {key for key, _ in texts} == set(KEYS.values())


def test_batches_hold_the_same_texts_and_name_the_user():
    """With the tenant's key the line says who sends."""
    calls = batches(COMPANY, "tenant")
    lines = [orjson.loads(line) for call in calls for line in call.body.splitlines()]

    assert {call.key for call in calls} == {"tenant"}
    assert {len(call.body.splitlines()) for call in calls} == {BATCH_LINES}
    assert all(COMPANY.senders[line["user"]] == line["from"] for line in lines)
    assert len(lines) == TEXTS


def test_the_same_traffic_each_time():
    """Two runs are compared."""
    assert singles(COMPANY, KEYS) == singles(make_company(), KEYS)


def test_calls_survive_their_file_which_only_its_owner_reads(tmp_path):
    """They hold keys."""
    calls, file = batches(COMPANY, "tenant")[:2], tmp_path / "calls.json"
    write_calls(file, calls)

    assert read_calls(file) == calls
    assert file.stat().st_mode & 0o777 == 0o600
