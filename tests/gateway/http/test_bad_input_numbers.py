"""Rows 52 to 65 of the catalogue of bad input: what is a phone number, as recipient and as sender.

The forms that people use are taken and made canonical; everything else is refused by compliance, with its codes.
"""

import pytest

from tests.gateway.http.refusing import refused_both_ways
from tests.gateway.running_edge import ANNS, MOBILE, a_body

pytestmark = pytest.mark.asyncio(loop_scope="session")


class TestRecipients:
    @pytest.mark.parametrize(
        "to",
        [
            *("4155550143", "14155550143", "+1 415 555 0143", "(415) 555-0143", "415.555.0143", "415-555-0143"),
            *(
                "+1 (415) 555\u20110143",
                "415\u2013555\u20140143",
                "+1\u22124155550143",
                " +14155550143 ",
                "\t4155550143",
            ),
            *("415/555/0143", "4155550143 ext. 12", "4155550143x12", "4155550143;ext=12", "01114155550143"),
            *("\uff14\uff11\uff15\uff15\uff15\uff15\uff10\uff11\uff14\uff13", "\uff0b14155550143"),
            *("415-555-01GD", "1-415-KKK-0143"),
        ],
    )
    async def test_rows_52_53_55_spellings(self, edge, to):
        """National form, white space, dashes, full-width digits, letters of the keypad: all one number."""
        answer = await edge.send(to=to)

        shown = (await edge.get(f"/v1/messages/{answer.json['id']}")).json
        assert (answer.status, shown["to"]) == (202, MOBILE)

    @pytest.mark.parametrize(
        "to",
        [
            pytest.param("tel:+14155550143", id="row 52: tel URI"),
            pytest.param("415_555_0143", id="row 52: underscores"),
            pytest.param("415,555,0143", id="row 52: commas"),
            pytest.param("4155550143;4155550144", id="row 52: two numbers"),
            pytest.param("415 555\n0143", id="row 52: line break"),
            pytest.param(
                "\u0664\u0661\u0665\u0665\u0665\u0665\u0660\u0661\u0664\u0663", id="row 53: Arabic-Indic digits"
            ),
            pytest.param(
                "\u096a\u0967\u096b\u096b\u096b\u096b\u0966\u0967\u096a\u0969", id="row 53: Devanagari digits"
            ),
            pytest.param("CALL-ME-NOW", id="row 55: letters only"),
            pytest.param("++14155550143", id="row 56: two plus signs"),
            pytest.param("+", id="row 56: plus only"),
            pytest.param("", id="row 56: empty"),
            pytest.param(" ", id="row 56: blank"),
            pytest.param("+04155550143", id="row 56: country code zero"),
            pytest.param("+1415555014", id="row 56: too short"),
            pytest.param("+141555501430", id="row 56: too long"),
            pytest.param("+4915112345678901", id="row 56: 16 digits"),
            pytest.param("00442071234567", id="row 56: 00"),
            pytest.param("4" * 300, id="row 56: 300 digits"),
            pytest.param("+1" + " " * 30_000 + "x", id="row 56: 30 KB"),
            pytest.param("4155550", id="row 56: seven digits"),
            pytest.param("+15555550123", id="row 58: 555"),
            pytest.param("+11115550123", id="row 58: area code 111"),
            pytest.param("+14151550123", id="row 58: exchange 155"),
            pytest.param("+14150550123", id="row 58: exchange 055"),
            pytest.param("+15005550123", id="row 58: personal number"),
            pytest.param("+99912345678", id="row 58: unassigned country"),
            pytest.param("211", id="row 59: other three digits"),
            pytest.param("+14155550143' OR 1=1--", id="row 64: SQL"),
            pytest.param("+14155550143\r\nBcc: 4155550144", id="row 64: header"),
            pytest.param("+14155550143\r\n*1\r\n$4\r\nPING\r\n", id="row 64: RESP"),
            pytest.param("${jndi:ldap://4155550143}", id="row 64: look-up"),
            pytest.param("+14155550143\u0000", id="row 64: NUL"),
            pytest.param("\u202e3410555514", id="row 64: right to left"),
            pytest.param("+1415555\u200b0143", id="row 64: zero width"),
            pytest.param("{reg}:num:+14155550143", id="row 64: our own key"),
            pytest.param("user:", id="row 64: no user"),
            pytest.param("user:acme-bob\n", id="row 64: user and line break"),
            pytest.param("ext:102 ", id="row 64: extension and blank"),
            pytest.param("USER:acme-bob", id="row 64: upper case"),
        ],
    )
    async def test_what_is_no_number(self, edge, to):
        """All of it is one code; nothing is guessed."""
        await refused_both_ways(edge, a_body(to=to), 422, "invalid_destination")

    @pytest.mark.parametrize(
        ("to", "code"),
        [
            *((to, "destination_emergency") for to in ("911", "9-1-1", "112", "933", "988", "1911", "+1911", "+1 988")),
            *((to, "destination_premium") for to in ("+19005550123", "(900) 555-0123", "1-900-555-0123")),
            *((to, "destination_short_code") for to in ("12345", "123456", "123-45", "411-411")),
        ],
    )
    async def test_rows_59_62_numbers_that_nobody_may_text(self, edge, to, code):
        """Emergency, premium, short codes."""
        await refused_both_ways(edge, a_body(to=to), 403, code)

    @pytest.mark.parametrize("key", ["uma", "cat", "dis"])
    async def test_row_59_emergency_comes_first(self, edge, key):
        """Whoever texts it, number or not, is told at once to call."""
        await refused_both_ways(edge, a_body(to="911"), 403, "destination_emergency", key=key)

    @pytest.mark.parametrize("to", ["+442071234567", "011442071234567", "+81312345678", "+18765550123", "+12425550123"])
    async def test_row_61_other_countries(self, edge, to):
        """Also those of the Caribbean that share our country code."""
        await refused_both_ways(edge, a_body(to=to), 403, "destination_country_not_allowed")

    @pytest.mark.parametrize("to", ["+18005550123", "+18335550143", "(888) 555-0123"])
    async def test_row_62_toll_free_recipients(self, edge, to):
        """Allowed."""
        assert (await edge.send(to=to)).status == 202


class TestSenders:
    @pytest.mark.parametrize(
        "sender",
        [
            *(
                "2025550111",
                "12025550111",
                "+1 202 555 0111",
                "(202) 555-0111",
                "202.555.0111",
                "202\u2013555\u20110111",
            ),
            *("\uff0b12025550111", "\uff12\uff10\uff12\uff15\uff15\uff15\uff10\uff11\uff11\uff11", "\t2025550111 "),
        ],
    )
    async def test_rows_52_53_spellings(self, edge, sender):
        """A number of ours is found however it is typed."""
        answer = await edge.send(sender=sender)

        shown = (await edge.get(f"/v1/messages/{answer.json['id']}")).json
        assert (answer.status, shown["from"]) == (202, ANNS)

    @pytest.mark.parametrize("key", ["ann", "acme"])
    @pytest.mark.parametrize(
        "sender",
        [
            pytest.param("tel:+12025550111", id="row 52: tel URI"),
            pytest.param("+12025550111x1", id="row 52: extension"),
            pytest.param(
                "\u0662\u0660\u0662\u0665\u0665\u0665\u0660\u0661\u0661\u0661", id="row 53: Arabic-Indic digits"
            ),
            pytest.param("202-555-CALL", id="row 55: letters"),
            pytest.param("2O25550111", id="row 55: O for 0"),
            pytest.param("", id="row 56: empty"),
            pytest.param("+", id="row 56: plus only"),
            pytest.param("++12025550111", id="row 56: two plus signs"),
            pytest.param("+1202555011", id="row 56: too short"),
            pytest.param("2" * 300, id="row 56: 300 digits"),
            pytest.param("2" * 30_000, id="row 56: 30 KB"),
            pytest.param("+11025550111", id="row 58: area code 102"),
            pytest.param("+442071234567", id="row 61: abroad"),
            pytest.param("12345", id="row 62: short code"),
            pytest.param("+12025550111' OR 1=1--", id="row 64: SQL"),
            pytest.param("+12025550111\r\nBcc:", id="row 64: header"),
            pytest.param("+12025550111\u0000", id="row 64: NUL"),
            pytest.param("zq7canary", id="row 65: alphanumeric"),
            pytest.param("ACME", id="row 65: short alphanumeric"),
            pytest.param("A" * 21, id="row 65: 21 octets"),
            pytest.param("ext:101", id="row 65: extension"),
            pytest.param("user:acme-ann", id="row 65: user"),
        ],
    )
    async def test_what_is_no_sender(self, edge, key, sender):
        """Whatever the key says about who sends."""
        await refused_both_ways(edge, a_body(sender=sender), 422, "invalid_sender", key=key)

    async def test_neither_sender_nor_recipient_is_a_number(self, edge):
        """There is nothing to look up, and the answer is about the sender all the same."""
        await refused_both_ways(edge, a_body(sender="zq7canary", to="zq7canary"), 422, "invalid_sender", key="acme")
