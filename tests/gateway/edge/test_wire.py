import json
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.edge.wire import Draft, read_draft, read_idempotency_key, read_instant, read_object, read_question
from gateway.errors import Problem
from gateway.problems import PROBLEMS

NOW = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
FULL = {
    "from": "+12025550111",
    "user": "acme-ann",
    "to": ["+14155550143", "ext:102"],
    "text": "See you at 3",
    "media": [{"id": "m1"}, {"id": "m2"}],
    "client_message_id": "c-1",
    "send_at": "2026-11-20T21:00:00Z",
    "expires_at": "2026-11-20T23:00:00+01:00",
}

#: A busy machine is no reason to fail.
patient = settings(max_examples=60, deadline=None)

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)
objects = st.dictionaries(st.text(), values, max_size=5)


def attempt(reader, *args, **options):
    """Read something; its problem where it has one. Anything else is raised, and fails the test."""
    try:
        return reader(*args, **options)
    except Problem as problem:
        return problem


def read(raw: bytes, **options) -> Draft | Problem:
    """Read a body, or say what is wrong with it."""
    return attempt(read_draft, raw, **{"header_key": None, "now": NOW} | options)


def draft(body, **options) -> Draft:
    """Read a body that is sound."""
    found = read(orjson.dumps(body), **options)
    assert isinstance(found, Draft), found
    return found


def check(found: Draft | Problem) -> None:
    """A draft that keeps its promises, or a problem of the table that points into the body."""
    if isinstance(found, Problem):
        assert found.code in PROBLEMS
        assert found.pointer == "" or found.pointer.startswith("/")
        assert found.pointer.isascii()
    else:
        assert 1 <= len(found.to) <= 50
        assert found.text or found.media_ids
        assert (found.key is None) == (found.fingerprint == b"")


class TestWhole:
    def test_every_field_is_read(self):
        """A body with all that there is."""
        assert draft(FULL, header_key="c-1") == Draft(
            sender="+12025550111",
            user="acme-ann",
            to=("+14155550143", "ext:102"),
            is_group=True,
            text="See you at 3",
            media_ids=("m1", "m2"),
            key="c-1",
            fingerprint=draft(FULL).fingerprint,
            client_message_id="c-1",
            send_at=datetime(2026, 11, 20, 21, 0, tzinfo=UTC),
            expires_at=datetime(2026, 11, 20, 22, 0, tzinfo=UTC),
        )

    def test_media_is_described_where_nothing_is_sent(self):
        """The type in lower case."""
        body = {"to": "x", "media": [{"type": "Image/PNG", "bytes": 1}]}

        found = read_question(orjson.dumps(body), now=NOW)

        assert [(item.type, item.bytes) for item in found.media] == [("image/png", 1)]
        assert found.media_ids == ()


class TestFingerprint:
    @patient
    @given(st.permutations(list(FULL)), st.sampled_from([None, 2]))
    def test_spelling_does_not_matter(self, names, indent):
        """Order and white space are not what was said."""
        body = {name: FULL[name] for name in names}

        assert read(json.dumps(body, indent=indent).encode()) == draft(FULL)

    @pytest.mark.parametrize("name", ["from", "user", "text", "media", "send_at", "expires_at"])
    def test_every_field_matters(self, name):
        """Left out it is another request; null it is as good as left out."""
        without = draft({field: value for field, value in FULL.items() if field != name})

        assert without.fingerprint != draft(FULL).fingerprint
        assert draft(FULL | {name: None}).fingerprint == without.fingerprint

    def test_one_recipient_in_a_list_is_another_request(self):
        """Its answer has another shape."""
        assert draft(FULL | {"to": "x"}).fingerprint != draft(FULL | {"to": ["x"]}).fingerprint


class TestAnything:
    @patient
    @given(st.binary(max_size=200))
    def test_any_bytes(self, raw):
        """Nothing that comes in breaks anything."""
        check(read(raw))

    @patient
    @given(objects)
    def test_any_object(self, body):
        """However strange its fields."""
        check(read(json.dumps(body).encode()))

    @patient
    @given(st.dictionaries(st.sampled_from([*FULL, "status_url"]), values, max_size=9))
    def test_known_fields_with_any_values(self, body):
        """Of any type."""
        check(read(json.dumps(FULL | body).encode()))
        check(read(json.dumps(body).encode()))

    @patient
    @given(st.sampled_from(list(FULL)), st.text(), values)
    def test_a_sound_body_with_one_thing_wrong(self, field, name, value):
        """A field less, a field renamed, a field changed."""
        for body in (
            {key: kept for key, kept in FULL.items() if key != field},
            {name if key == field else key: kept for key, kept in FULL.items()},
            FULL | {field: value},
            FULL | {name: value},
        ):
            check(read(json.dumps(body).encode()))

    @patient
    @given(st.data())
    def test_a_sound_body_with_bytes_changed(self, data):
        """As lines get them."""
        raw = bytearray(orjson.dumps(FULL))
        for _ in range(data.draw(st.integers(1, 4))):
            place = data.draw(st.integers(0, len(raw) - 1))
            raw[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))

        check(read(bytes(raw)))

    @patient
    @given(st.text(min_size=6))
    def test_a_problem_never_repeats_a_value(self, value):
        """Whatever is wrong with it."""
        for field in FULL:
            found = read(json.dumps(FULL | {field: {value: value}}).encode())
            assert isinstance(found, Problem)
            assert value not in found.pointer
            assert value not in str(found)


class TestDuplicateKeys:
    @patient
    @given(objects, st.text(), st.integers(0, 3), st.booleans())
    def test_they_are_found_at_any_depth(self, body, name, depth, in_list):
        """And in any spelling: the second is written with escapes."""
        assume(name not in body)
        escaped = "".join(f"\\u{ord(unit):04x}" for unit in _utf16(name))
        inner = json.dumps(body)[1:-1]
        raw = f'{{{json.dumps(name)}: 1, {inner + ", " if inner else ""}"{escaped}" : 2}}'
        for _ in range(depth):
            raw = f'{{"deeper": [{raw}]}}' if in_list else f'{{"deeper": {raw}}}'

        with pytest.raises(Problem, match="duplicate_key"):
            read_object(raw.encode())

    @patient
    @given(objects)
    def test_none_are_found_where_none_are(self, body):
        """Whatever the texts look like."""
        assert read_object(json.dumps(body).encode()).keys() == body.keys()
        assert read_object(json.dumps(body, ensure_ascii=False, indent=1).encode()).keys() == body.keys()

    @pytest.mark.parametrize("text", ['":', '{"a":1,"a":2}', "\\", '\\":', '"', "\\\\", ':"a":'])
    def test_texts_that_look_like_keys(self, text):
        """Quotes, colons and backslashes inside a text."""
        assert read_object(json.dumps({"a": text, "b": [text]}).encode()) == {"a": text, "b": [text]}

    def test_as_deep_as_the_parser_goes(self):
        """Deeper than Python's own calls."""
        raw = b'{"a":%b{"b":1}%b}' % (b"[" * 1_000, b"]" * 1_000)

        assert list(read_object(raw)) == ["a"]


def _utf16(text: str) -> list[str]:
    """Split a text into UTF-16 code units, as JSON escapes them."""
    raw = text.encode("utf-16-be", "surrogatepass")
    return [chr(int.from_bytes(raw[place : place + 2])) for place in range(0, len(raw), 2)]


class TestInstants:
    @patient
    @given(st.datetimes(timezones=st.just(UTC)))
    def test_what_python_writes_is_read(self, instant):
        """RFC 3339 of any year."""
        assert read_instant(instant.isoformat(), "/at") == instant

    @patient
    @given(st.text(alphabet="0123456789-:TZ+. ", max_size=30) | st.text(max_size=30))
    def test_anything_else_is_a_problem(self, text):
        """Never an instant without an offset, never another error."""
        found = attempt(read_instant, text, "/at")

        if isinstance(found, Problem):
            assert (found.code, found.pointer) == ("invalid_time", "/at")
        else:
            assert found.utcoffset() == timedelta()

    @pytest.mark.parametrize(
        ("send_at", "expires_at", "good"),
        [
            (None, timedelta(seconds=1), True),
            (None, timedelta(0), False),
            (None, timedelta(days=7), True),
            (None, timedelta(days=7, seconds=1), False),
            (timedelta(days=7), timedelta(days=14), True),
            (timedelta(days=7), timedelta(days=14, seconds=1), False),
            (timedelta(days=7, seconds=1), None, False),
            (timedelta(0), None, False),
            (timedelta(hours=1), timedelta(hours=1), False),
        ],
    )
    def test_the_window(self, send_at, expires_at, good):
        """Later than now, within a week; to expire counts from when it is sent."""
        body = {"to": "x", "text": "x"}
        for name, delta in (("send_at", send_at), ("expires_at", expires_at)):
            if delta is not None:
                body[name] = (NOW + delta).isoformat()

        assert isinstance(read(orjson.dumps(body)), Draft) == good


class TestKeys:
    @patient
    @given(st.text(max_size=300))
    def test_header_and_body_have_one_rule(self, key):
        """1 to 255 visible characters, blanks only inside."""
        visible = key.isascii() and key.isprintable() and key.strip() == key and 1 <= len(key) <= 255

        found = read(json.dumps({"to": "x", "text": "x", "client_message_id": key}).encode())
        assert isinstance(found, Draft) == visible
        in_header = attempt(read_idempotency_key, [key])
        assert (in_header == key) == visible
        assert visible or in_header.code == "invalid_idempotency_key"

    def test_none_is_none(self):
        """Without a key nothing is remembered."""
        assert read_idempotency_key([]) is None
        assert draft({"to": "x", "text": "x"}).fingerprint == b""
