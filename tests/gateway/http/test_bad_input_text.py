"""Rows 67 to 77 of the catalogue of bad input: length, encoding, characters."""

import unicodedata

import pytest

from tests.gateway.http.refusing import refused_both_ways
from tests.gateway.running_edge import a_body

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROCKET = "\U0001f680"


class TestLength:
    @pytest.mark.parametrize(
        "text",
        [
            pytest.param("a" * 1_531, id="row 67: 1,531 GSM characters"),
            pytest.param("a" * 1_600, id="row 67: 1,600"),
            pytest.param("a" * 65_000, id="row 67: 65,000"),
            pytest.param("ж" * 671, id="row 67: 671 others"),
            pytest.param(ROCKET * 331, id="row 67: 331 surrogate pairs"),
            pytest.param("€" * 761, id="row 67: 761 extension characters"),
            pytest.param("e" + "\u0301" * 1_000, id="row 73: 1,000 combining marks"),
            pytest.param("Z\u0336\u0334" * 300, id="row 73: a text struck through"),
            pytest.param("a" * 30_000, id="row 77: 30,000 times one letter"),
            pytest.param("http://" + "a" * 30_000, id="row 77: one long host"),
            pytest.param("a." * 15_000, id="row 77: many labels"),
            pytest.param(" . " * 10_000, id="row 77: dots with white space"),
            pytest.param("[dot" * 10_000, id="row 77: dots cut short"),
            pytest.param("1" * 30_000, id="row 77: digits"),
            pytest.param("-" * 30_000, id="row 77: dashes"),
        ],
    )
    async def test_more_than_ten_segments(self, edge, text):
        """Too long, however it is encoded; the rules look at it in linear time."""
        await refused_both_ways(edge, a_body(text=text), 422, "message_too_long")

    @pytest.mark.parametrize(
        ("text", "encoding", "segments"),
        [
            *((f"{'a' * n}", "gsm7", segments) for n, segments in ((1, 1), (160, 1), (161, 2), (306, 2), (307, 3))),
            *((f"{'a' * n}", "gsm7", segments) for n, segments in ((1_377, 9), (1_378, 10), (1_530, 10))),
            *(
                (f"{'ж' * n}", "ucs2", segments)
                for n, segments in ((1, 1), (70, 1), (71, 2), (134, 2), (135, 3), (670, 10))
            ),
            ("a" * 159 + "ж", "ucs2", 3),
            ("€" * 80, "gsm7", 1),
            ("a" * 159 + "€", "gsm7", 2),
            # The two septets of the sign do not fit into the first part any more: it is closed one short.
            ("a" * 152 + "€" + "a" * 152, "gsm7", 3),
            ("a" * 151 + "€" + "a" * 153, "gsm7", 2),
            *(("a" * 152 + sign + "a" * 152, "gsm7", 3) for sign in "^{}[]~|\\\x0c"),
            ("ж" * 66 + ROCKET + "ж" * 66, "ucs2", 3),
            ("ж" * 65 + ROCKET + "ж" * 67, "ucs2", 2),
            (ROCKET * 35, "ucs2", 1),
            (ROCKET * 36, "ucs2", 2),
            ("a" * 159 + "\u2019", "ucs2", 3),
            ("\r\n" * 80, "gsm7", 1),
        ],
    )
    async def test_rows_68_70_boundaries(self, edge, text, encoding, segments):
        """Counted as submitted: one curly quote makes 160 characters three segments."""
        answer = await edge.send(text=text)

        assert answer.status == 202
        assert (answer.json["encoding"], answer.json["segments"]) == (encoding, segments)

    async def test_a_colleague_may_get_a_longer_text(self, edge):
        """Segments are a matter of carriers."""
        assert (await edge.send(to="ext:102", text="a" * 20_000)).status == 202


class TestCharacters:
    @pytest.mark.parametrize(
        "character",
        [
            *("\x00", "\x07", "\x08", "\x0b", "\x0e", "\x1b", "\x1f", "\x7f"),
            *("\ufdd0", "\ufdef", "\ufffe", "\uffff", "\U0001fffe", "\U0001ffff", "\U0010fffe", "\U0010ffff"),
        ],
    )
    async def test_row_71_what_no_phone_shows(self, edge, character):
        """Control characters and noncharacters, of every plane."""
        await refused_both_ways(edge, a_body(text=f"zq7canary {character}"), 422, "invalid_character")

    @pytest.mark.parametrize(
        "text",
        [
            *("tab\tand\nlines\r\n", "\ue000 private use", "\U000f0000", "\u0378 unassigned", "\U000e0fff", "\ufdcf"),
            *(
                "\u200b zero width",
                "\u202e right to left",
                "\u200d",
                "\ufeff",
                "\u2028",
                "\u00ad",
                "\U000e0001",
                "\ufffd",
            ),
            *("👩‍👩‍👧‍👦 👍🏽 🇺🇸", "مرحبا", "שלום", "你好", "e\u0301", "\f", "\u1680 \u3000"),
        ],
    )
    async def test_row_71_what_may_be_sent(self, edge, text):
        """Everything else goes, and comes back as it came."""
        answer = await edge.send(text=text)
        shown = await edge.get(f"/v1/messages/{answer.json['id']}")

        assert (answer.status, shown.json["text"]) == (202, text)

    async def test_row_74_composed_and_decomposed_are_two_texts(self, edge):
        """Nothing is normalised: with one key they do not fit."""
        first = await edge.send(text=unicodedata.normalize("NFC", "café"), idempotency_key="row-74")
        second = await edge.send(text=unicodedata.normalize("NFD", "café"), idempotency_key="row-74")

        assert (first.status, second.status, second.json["code"]) == (202, 422, "idempotency_mismatch")

    @pytest.mark.parametrize(
        "text", ["<script>alert(1)</script>", "=HYPERLINK(1)", "{{7*7}}", "%s%n", "'; DROP TABLE x;--"]
    )
    async def test_row_76_code_is_text(self, edge, text):
        """It is taken and given back as it came, as JSON that no browser takes for a page."""
        answer = await edge.send(text=text)
        shown = await edge.get(f"/v1/messages/{answer.json['id']}")

        assert (answer.status, shown.json["text"]) == (202, text)
        assert shown.headers["Content-Type"] == "application/json"
