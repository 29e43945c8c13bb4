"""Good requests with something wrong in them: strategies for Hypothesis, neighbours of the rows of bad input.

Whatever text is put in carries the mark, which no answer may repeat.
"""

import unicodedata
from typing import Any

import orjson
from hypothesis import strategies as st

MARK = "zq7canary"

GOOD = {
    "from": "+12025550111",
    "to": "+14155550143",
    "text": f"Hi, {MARK}",
    "client_message_id": None,
    "media": [],
}
FIELDS = ["from", "user", "to", "text", "media", "client_message_id", "send_at", "expires_at", "status_url"]
CATEGORIES = sorted({unicodedata.category(chr(point)) for point in range(0x3000)} - {"Cs"})

#: Any text of one category of Unicode, marked.
marked = st.sampled_from(CATEGORIES).flatmap(
    lambda category: st.text(st.characters(categories=[category]), max_size=12).map(lambda text: MARK + text)
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(2**70), max_value=2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    marked,
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(marked, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def dropped(draw) -> bytes:
    """Fields left out."""
    kept = draw(st.sets(st.sampled_from(sorted(GOOD)), max_size=len(GOOD) - 1))
    return _raw({name: value for name, value in GOOD.items() if name in kept})


@st.composite
def swapped(draw) -> bytes:
    """Fields that hold something else."""
    names = draw(st.lists(st.sampled_from(FIELDS), min_size=1, max_size=3, unique=True))
    return _raw(GOOD | {name: draw(anything) for name in names})


@st.composite
def unknown(draw) -> bytes:
    """Fields that nobody knows."""
    return _raw(GOOD | draw(st.dictionaries(marked | st.text(max_size=5), anything, min_size=1, max_size=4)))


@st.composite
def twice(draw) -> bytes:
    """A key that stands twice, also inside, also escaped."""
    name = draw(st.sampled_from(FIELDS))
    again = draw(st.sampled_from([name, f"\\u{ord(name[0]):04x}{name[1:]}"]))
    inner = f'{{"id":"a","id":"{MARK}"}}'
    extra = draw(st.sampled_from([f'"{name}":"{MARK}","{again}":"{MARK}"', f'"media":[{inner}]']))
    rest = {key: value for key, value in GOOD.items() if key not in {name, "media"}}
    return _raw(rest)[:-1] + b"," + extra.encode() + b"}"


@st.composite
def deep(draw) -> bytes:
    """Nested without an end."""
    depth = draw(st.integers(1, 3_000))
    opened, closed = draw(st.sampled_from([(b"[", b"]"), (b'{"a":', b"}")]))
    field = draw(st.sampled_from(FIELDS)).encode()
    closing = closed * draw(st.sampled_from([depth, depth - 1, 0]))
    return b'{"%b":%b"%b"%b}' % (field, opened * depth, MARK.encode(), closing)


@st.composite
def flipped(draw) -> bytes:
    """Bytes changed, put in, taken out."""
    raw = bytearray(_raw(GOOD))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(raw) - 1))
        byte = draw(st.integers(0, 255))
        match draw(st.sampled_from("xid")):
            case "x":
                raw[place] = byte
            case "i":
                raw.insert(place, byte)
            case "d":
                del raw[place]
    return bytes(raw)


@st.composite
def long(draw) -> bytes:
    """Longer than anything has a right to be."""
    field = draw(st.sampled_from([*FIELDS, MARK]))
    return _raw(
        GOOD | {field: MARK + draw(st.sampled_from("aж€ \u0301😀")) * draw(st.sampled_from([300, 2_000, 30_000]))}
    )


BODIES = {
    "dropped": dropped(),
    "swapped": swapped(),
    "unknown": unknown(),
    "twice": twice(),
    "deep": deep(),
    "flipped": flipped(),
    "long": long(),
}

#: Heads that a client may get wrong; values are what HTTP can carry.
_VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=20)
heads = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": st.sampled_from(["application/json; charset=utf-8", "text/plain", "", "application/JSON;q"])
        | _VALUES,
        "Content-Encoding": st.sampled_from(["identity", "gzip", "br", "IDENTITY"]) | _VALUES,
        "Idempotency-Key": _VALUES.map(lambda value: MARK + value),
        "Authorization": st.sampled_from(["", "Bearer", "Basic eDp5"])
        | _VALUES.map(lambda text: f"Bearer {MARK}{text}"),
        "Accept": _VALUES,
    },
)


def _raw(body: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:  # Whole numbers of more than 64 bits are JSON all the same.
        import json  # noqa: PLC0415

        return json.dumps(body).encode()
