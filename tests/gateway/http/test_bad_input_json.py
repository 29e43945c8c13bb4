"""Rows 25 to 41 of the catalogue of bad input: size, encoding, JSON. Rows are named by their numbers."""

import gzip

import orjson
import pytest

from tests.gateway.http.refusing import refused, refused_both_ways, refused_line, refused_request
from tests.gateway.running_edge import ANNS, CANARY, MOBILE, a_body

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIMIT = 64 * 1024
JSON = {"Content-Type": "application/json"}
GOOD = orjson.dumps(a_body())


def padded(size: int) -> bytes:
    """A good body that is so long; white space is part of JSON."""
    return GOOD + b" " * (size - len(GOOD))


async def chunks(raw: bytes):
    """A body whose length is told in no header."""
    for start in range(0, len(raw), 8_192):
        yield raw[start : start + 8_192]


class TestSize:
    async def test_row_25_a_body_of_the_limit_is_read(self, edge):
        """64 KiB, and not a byte more."""
        assert (await edge.post("/v1/messages", padded(LIMIT))).status == 202

    @pytest.mark.parametrize("size", [LIMIT + 1, 1_000_000])
    async def test_row_25_a_longer_body(self, edge, size):
        """It is refused by its Content-Length."""
        await refused(edge, padded(size), 413, "body_too_large")

    async def test_row_25_a_line_of_the_limit_is_read(self, edge):
        """A line of a batch is a message, with a message's limit."""
        answer = await edge.batch(padded(LIMIT))

        assert [line["status"] for line in answer.lines] == [202]

    async def test_row_25_a_longer_line(self, edge):
        """The other lines go."""
        await refused_line(edge, padded(LIMIT + 1), 413, "body_too_large")

    async def test_row_25_a_longer_batch(self, edge):
        """1 MiB."""
        answer = await edge.batch(*[padded(LIMIT - 1)] * 16)
        assert answer.status == 200

        answer = await edge.batch(*[padded(LIMIT - 1)] * 16, b" ")
        assert (answer.status, answer.json["code"]) == (413, "body_too_large")

    async def test_row_26_a_chunked_body_is_read_to_the_limit(self, edge):
        """Without any Content-Length."""
        answer = await edge.call("POST", "/v1/messages", data=chunks(padded(LIMIT)), headers=JSON)

        assert answer.status == 202

    @pytest.mark.parametrize("size", [LIMIT + 1, 20 * LIMIT])
    async def test_row_26_a_chunked_body_growing_past_the_limit(self, edge, size):
        """It is refused where it passes the limit."""
        await refused_request(edge, 413, "body_too_large", data=chunks(padded(size)), headers=JSON)

    async def test_size_comes_before_the_key(self, edge):
        """The order of checks: size, key, content type, body."""
        await refused_request(edge, 413, "body_too_large", key=None, data=padded(LIMIT + 1))
        await refused_request(edge, 401, "unauthenticated", key=None, data=b"{")
        await refused_request(edge, 415, "unsupported_media_type", data=b"{", headers={"Content-Type": "text/plain"})


class TestEncoding:
    @pytest.mark.parametrize(
        ("encoding", "raw"),
        [
            ("gzip", b"not gzip at all"),
            ("gzip", gzip.compress(GOOD, mtime=0)),
            ("gzip, gzip", gzip.compress(gzip.compress(GOOD, mtime=0), mtime=0)),
            ("br", GOOD),
            ("deflate", GOOD),
            ("zstd", GOOD),
            ("identity, gzip", GOOD),
            ("x-unheard-of", GOOD),
        ],
        ids=["corrupt", "sound", "twice", "br", "deflate", "zstd", "identity first", "unheard of"],
    )
    async def test_row_28_compressed_bodies(self, edge, encoding, raw):
        """None is taken, sound or not."""
        headers = JSON | {"Content-Encoding": encoding}

        await refused_request(edge, 415, "unsupported_encoding", data=raw, headers=headers)

    async def test_row_28_two_headers_of_encoding(self, edge):
        """The second counts, too."""
        headers = [("Content-Type", "application/json"), ("Content-Encoding", "identity"), ("Content-Encoding", "gzip")]

        await refused_request(edge, 415, "unsupported_encoding", data=GOOD, headers=headers)

    async def test_row_28_identity_is_no_encoding(self, edge):
        """It says so itself."""
        answer = await edge.call("POST", "/v1/messages", data=GOOD, headers=JSON | {"Content-Encoding": "identity"})

        assert answer.status == 202

    @pytest.mark.parametrize(
        "kind",
        [
            "text/plain",
            "text/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/json; charset=utf-16",
            "application/json; charset=latin-1",
            "application/json; charset=nonsense",
            "application/jsonp",
            "application/problem+json",
            "application/x-ndjson",
            "json",
            "*/*",
            "",
        ],
    )
    async def test_row_29_other_content_types(self, edge, kind):
        """One message is application/json in UTF-8."""
        await refused_request(edge, 415, "unsupported_media_type", data=GOOD, headers={"Content-Type": kind})

    async def test_row_29_no_content_type(self, edge):
        """Nothing is guessed."""
        await refused_request(edge, 415, "unsupported_media_type", data=GOOD, skip_auto_headers=["Content-Type"])

    @pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/x-ndjson; charset=utf-16"])
    async def test_row_29_other_content_types_of_a_batch(self, edge, kind):
        """A batch is NDJSON."""
        answer = await edge.call("POST", "/v1/messages/batch", data=GOOD, headers={"Content-Type": kind})

        assert (answer.status, answer.json["code"]) == (415, "unsupported_media_type")

    @pytest.mark.parametrize(
        "kind",
        [
            "application/json; charset=utf-8",
            'application/json; charset="UTF-8"',
            "APPLICATION/JSON",
            "application/json;x=1",
        ],
    )
    async def test_row_29_spellings_of_the_content_type(self, edge, kind):
        """Case and further parameters do not matter."""
        answer = await edge.call("POST", "/v1/messages", data=GOOD, headers={"Content-Type": kind})

        assert answer.status == 202


def with_text(raw: bytes) -> bytes:
    """A body whose text is written in these bytes."""
    return b'{"to": "%b", "text": "%b %b"}' % (MOBILE.encode(), CANARY.encode(), raw)


class TestJson:
    @pytest.mark.parametrize(
        "raw",
        [
            pytest.param(with_text(b"\xff"), id="row 31: 0xff"),
            pytest.param(with_text(b"\xc0\xaf"), id="row 31: overlong"),
            pytest.param(with_text(b"\xed\xa0\x80"), id="row 31: CESU surrogate"),
            pytest.param(with_text(b"\xf4\x90\x80\x80"), id="row 31: past U+10FFFF"),
            pytest.param(with_text(b"\xe2\x82"), id="row 31: cut short"),
            pytest.param(b"\xef\xbb\xbf" + GOOD, id="row 31: byte order mark"),
            pytest.param(GOOD.decode().encode("utf-16"), id="row 31: UTF-16"),
            pytest.param(GOOD.decode().encode("utf-32-le"), id="row 31: UTF-32"),
            pytest.param(with_text(rb"\ud800"), id="row 32: lone high surrogate"),
            pytest.param(with_text(rb"\udc00"), id="row 32: lone low surrogate"),
            pytest.param(with_text(rb"\ud800\ud800"), id="row 32: two high surrogates"),
            pytest.param(with_text(rb"\ud83"), id="row 32: short escape"),
            pytest.param(with_text(rb"\x41"), id="row 32: escape of another language"),
            pytest.param(GOOD + b"x", id="row 34: trailing data"),
            pytest.param(GOOD + GOOD, id="row 34: two documents"),
            pytest.param(GOOD + b"\n" + GOOD, id="row 34: two documents on two lines"),
            pytest.param(GOOD[:-1] + b",}", id="row 34: trailing comma"),
            pytest.param(GOOD[:-1] + b"/* no */}", id="row 34: comment"),
            pytest.param(GOOD.replace(b'"', b"'"), id="row 34: single quotes"),
            pytest.param(b"{to: 1}", id="row 34: bare key"),
            pytest.param(b'{"to": NaN}', id="row 34: NaN"),
            pytest.param(b'{"to": Infinity}', id="row 34: Infinity"),
            pytest.param(b'{"to": 01}', id="row 34: leading zero"),
            pytest.param(b'{"to": True}', id="row 34: Python"),
            pytest.param(GOOD[:-1], id="row 34: cut short"),
            pytest.param(with_text(b"\x00"), id="row 35: NUL"),
            pytest.param(with_text(b"\x1f"), id="row 35: control character"),
            pytest.param(with_text(b"\t"), id="row 35: tab"),
            pytest.param(with_text(b"\n"), id="row 35: line feed"),
            pytest.param(b"[" * 60_000, id="row 37: deep, open"),
            pytest.param(b"[" * 30_000 + b"]" * 30_000, id="row 37: deep"),
            pytest.param(b'{"a":' * 10_000 + b"1" + b"}" * 10_000, id="row 37: deep objects"),
        ],
    )
    async def test_what_is_not_json(self, edge, raw):
        """RFC 8259 in UTF-8, one value and no more."""
        await refused_both_ways(edge, raw, 400, "invalid_json")

    @pytest.mark.parametrize("raw", [b"", b" ", b"\n"])
    async def test_an_empty_body(self, edge, raw):
        """Nothing is no JSON."""
        await refused(edge, raw, 400, "invalid_json")

    async def test_a_request_without_a_body(self, edge):
        """The same, without a Content-Length."""
        await refused_request(edge, 400, "invalid_json", headers=JSON)

    @pytest.mark.parametrize("raw", [b"", b"\n", b" \r\n\n"])
    async def test_an_empty_batch(self, edge, raw):
        """A batch without lines is a mistake."""
        answer = await edge.batch(raw)

        assert (answer.status, answer.json["code"]) == (422, "empty_batch")

    @pytest.mark.parametrize("raw", [b"null", b"[]", b'"zq7canary"', b"1", b"true", b"[%b]" % GOOD, b"-0"])
    async def test_json_that_is_no_object(self, edge, raw):
        """A message is an object."""
        await refused_both_ways(edge, raw, 422, "invalid_type")

    @pytest.mark.parametrize("depth", [300, 990, 1_020])
    async def test_row_37_nesting_that_the_parser_still_reads(self, edge, depth):
        """Deeper than our own calls may go, and no crash of ours."""
        await refused_both_ways(edge, b'{"zq7canary": %b1%b}' % (b"[" * depth, b"]" * depth), 400, "unknown_field")

    @pytest.mark.parametrize(
        "raw",
        [
            pytest.param(b'{"to": "%b", "to": "%b", "text": "x"}' % (MOBILE.encode(), MOBILE.encode()), id="to"),
            pytest.param(b'{"from": "%b", "from": null, "to": "1", "text": "x"}' % ANNS.encode(), id="from"),
            pytest.param(rb'{"to": "1", "t\u006f": "2", "text": "x"}', id="escaped"),
            pytest.param(b'{"to": "1", "text": "x", "media": [{"id": "a", "id": "b"}]}', id="nested"),
            pytest.param(b'{"to": "1", "text": "x", "text"  :"y"}', id="space before the colon"),
            pytest.param(b'{"zq7canary": 1, "zq7canary": 2}', id="unknown"),
            pytest.param(rb'{"to": "1", "text": "\"", "text": "\\"}', id="among escapes"),
        ],
    )
    async def test_row_38_duplicate_keys(self, edge, raw):
        """Nobody knows which one was meant."""
        await refused_both_ways(edge, raw, 400, "duplicate_key")

    @pytest.mark.parametrize(
        ("raw", "pointer"),
        [
            (b'{"to": "%b", "to": "1", "text": "x"}' % MOBILE.encode(), "/to"),
            (rb'{"from": "1", "fr\u006fm": "2", "to": "1"}', "/from"),
            (b'{"14155550143": 1, "14155550143": 2}', None),
            (b'{"media": [{"id": "a", "id": "b"}], "to": "1"}', None),
            (b'{"to": "1", "a": %b{"b": 1, "b": 2}%b}' % (b"[" * 1_000, b"]" * 1_000), None),
        ],
    )
    async def test_row_38_which_one_stands_twice(self, edge, raw, pointer):
        """It is named where its name cannot be a value; deeper inside the fix alone must do."""
        answer = await refused(edge, raw, 400, "duplicate_key")

        assert answer.json.get("errors") == (pointer and [{"pointer": pointer, "code": "duplicate_key"}])

    @pytest.mark.parametrize("text", [r"\"to\":", r"{\"to\": 1, \"to\": 2}", r"\\", r"\\\":"])
    async def test_row_38_what_only_looks_like_a_duplicate(self, edge, text):
        """Text is text, whatever it looks like."""
        raw = b'{"to": "%b", "text": "%b"}' % (MOBILE.encode(), text.encode())

        assert (await edge.post("/v1/messages", raw)).status == 202

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param({f"k{n}": n for n in range(5_000)}, id="row 40: thousands"),
            pytest.param({"zq7canary" * 7_000: 1}, id="row 40: a name of 60 KB"),
            pytest.param({format(n, "b").replace("1", "Aa").replace("0", "BB"): n for n in range(1_024)}, id="row 41"),
        ],
    )
    async def test_floods_of_unknown_keys(self, edge, body):
        """Bounded by the size of a body, and refused for the first."""
        await refused_both_ways(edge, a_body() | body, 400, "unknown_field")
