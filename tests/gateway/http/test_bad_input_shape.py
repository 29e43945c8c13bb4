"""Rows 43 to 50 of the catalogue of bad input, and row 94: fields, types, lists, instants."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.gateway.http.refusing import refused, refused_both_ways
from tests.gateway.running_edge import ANNS, MOBILE, OTHER_MOBILE, OUTSIDERS, a_body, assert_problem

pytestmark = pytest.mark.asyncio(loop_scope="session")


def ahead(**delta: float) -> str:
    """An instant so far ahead, in RFC 3339."""
    return (datetime.now(UTC) + timedelta(**delta)).isoformat(timespec="seconds")


class TestUnknownFields:
    @pytest.mark.parametrize(
        "name",
        [
            *("form", "From", "TO", "to ", " to", "t\u043e", "", "text\u0000", "__proto__", "constructor"),
            *("tenant", "tenant_id", "status", "id", "verdict", "origin", "channel", "participants", "registry"),
            *("media_url", "+14155550143", "14155550143", "a2p_ann_0123456789abcdef", "zq7canary"),
        ],
    )
    async def test_row_43_unknown_field(self, edge, name):
        """Neither a slip of the pen nor an attempt to set what is ours; the tenant is the key's (row 94)."""
        await refused_both_ways(edge, a_body() | {name: "zq7canary"}, 400, "unknown_field")

    @pytest.mark.parametrize("value", [None, 1, "x", {}, []])
    async def test_row_43_whatever_its_value(self, edge, value):
        """Null, too: it is the name that nobody knows."""
        await refused(edge, a_body() | {"form": value}, 400, "unknown_field")

    async def test_row_43_in_an_attachment(self, edge):
        """One level down, with the place in the pointer."""
        body = a_body(media=[{"id": "abc", "url": "http://127.0.0.1/zq7canary"}])

        answer = await refused(edge, body, 400, "unknown_field")
        assert answer.json["errors"] == [{"pointer": "/media/0/url", "code": "unknown_field"}]

    async def test_an_ordinary_name_is_pointed_at(self, edge):
        """So that a slip of the pen is found."""
        answer = await refused(edge, a_body(form="x"), 400, "unknown_field")

        assert answer.json["errors"] == [{"pointer": "/form", "code": "unknown_field"}]

    @pytest.mark.parametrize("name", ["14155550143", "a2p_ann_0123456789abcdef", "a b", "x" * 33, "é"])
    async def test_a_name_that_may_be_a_value_is_not(self, edge, name):
        """A number or a key in the wrong place stays where it is."""
        answer = await refused(edge, a_body() | {name: 1}, 400, "unknown_field")

        assert "errors" not in answer.json
        assert name not in answer.text

    async def test_a_status_url_is_not_offered(self, edge):
        """It is known, and not taken in silence."""
        await refused_both_ways(edge, a_body(status_url="https://zq7canary.example"), 422, "not_supported")


class TestMissing:
    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"text": "zq7canary"}, "/to"),
            ({"to": None, "text": "zq7canary"}, "/to"),
            ({}, "/to"),
            ({"to": MOBILE}, "/text"),
            ({"to": MOBILE, "text": ""}, "/text"),
            ({"to": MOBILE, "text": None, "media": None}, "/text"),
            ({"to": MOBILE, "text": "", "media": []}, "/text"),
            ({"to": MOBILE, "media": [{}]}, "/media/0/id"),
            ({"to": MOBILE, "media": [{"id": None}]}, "/media/0/id"),
        ],
    )
    async def test_row_44_missing(self, edge, body, pointer):
        """The pointer says what."""
        await refused_both_ways(edge, body, 422, "missing_field")
        answer = await edge.post("/v1/messages", body)
        assert answer.json["errors"] == [{"pointer": pointer, "code": "missing_field"}]

    async def test_row_44_neither_from_nor_user(self, edge):
        """A tenant's key must say who sends."""
        await refused_both_ways(edge, a_body(), 422, "missing_field", key="acme")

    async def test_null_is_as_good_as_left_out(self, edge):
        """For every field that may be left out."""
        nothing = dict.fromkeys(["from", "user", "media", "client_message_id", "send_at", "expires_at", "status_url"])

        answer = await edge.post("/v1/messages", a_body() | nothing)

        assert answer.status == 202


class TestTypes:
    @pytest.mark.parametrize("field", ["from", "user", "text", "client_message_id", "send_at", "expires_at", "to"])
    @pytest.mark.parametrize("value", [0, 1, -1, 2**64, 1.5, True, False, {}, {"zq7canary": "x"}])
    async def test_row_46_not_a_string(self, edge, field, value):
        """A number is no string, and a boolean no number."""
        await refused_both_ways(edge, a_body() | {field: value}, 422, "invalid_type")

    @pytest.mark.parametrize("field", ["from", "user", "text", "client_message_id", "send_at", "expires_at"])
    async def test_row_46_a_list_for_a_string(self, edge, field):
        """Only `to` may be a list."""
        await refused(edge, a_body() | {field: ["zq7canary"]}, 422, "invalid_type")

    @pytest.mark.parametrize("to", [[1], [None], [MOBILE, 1], [[MOBILE]], [{}], {"number": MOBILE}, [True]])
    async def test_row_46_recipients_that_are_no_texts(self, edge, to):
        """Alone or in a list."""
        await refused_both_ways(edge, a_body(to=to), 422, "invalid_type")

    @pytest.mark.parametrize(
        "media",
        ["zq7canary", {}, {"id": "zq7canary"}, ["zq7canary"], [1], [None], [["x"]], 1, [{"id": 1}], [{"id": []}]],
    )
    async def test_row_46_media(self, edge, media):
        """A list of objects with an id that is a string."""
        await refused_both_ways(edge, a_body(media=media), 422, "invalid_type")

    @pytest.mark.parametrize(
        "size", ['"5"', "1.0", "1e3", "18446744073709551616", "-1", "-0", "0", "true", "[]", "{}", "9" * 400, "1e999"]
    )
    async def test_row_46_numbers(self, edge, size):
        """The only number that anybody sends is the size of described media: whole, and at least one byte."""
        raw = b'{"to": "%b", "media": [{"type": "image/png", "bytes": %b}]}' % (MOBILE.encode(), size.encode())
        answer = await edge.post("/v1/decisions", raw)

        if answer.json["code"] != "invalid_json":  # A number beyond any float is not read at all.
            assert_problem(answer, 422, "invalid_type")
            assert answer.json["errors"] == [{"pointer": "/media/0/bytes", "code": "invalid_type"}]
        else:
            assert size in {"1e999", "9" * 400}
            assert_problem(answer, 400, "invalid_json")

    @pytest.mark.parametrize("kind", ["png", "image/", "/png", "image/png; x=1", "image png", "i" * 99 + "/png", 1, []])
    async def test_row_46_media_types(self, edge, kind):
        """A bare MIME type."""
        answer = await edge.post("/v1/decisions", a_body(media=[{"type": kind, "bytes": 1}]))

        assert_problem(answer, 422, "invalid_type", kind)

    @pytest.mark.parametrize("media_id", ["", "zq7canary", "../../etc/passwd", "x" * 65, "{media}:x", "é" * 8])
    async def test_unknown_media(self, edge, media_id):
        """Nobody uploaded that, whatever it looks like."""
        await refused_both_ways(edge, a_body(media=[{"id": media_id}]), 422, "unknown_media")

    async def test_too_many_media(self, edge):
        """Refused before anything is looked up; up to 100 are, and then refused for being more than ten."""
        await refused_both_ways(edge, a_body(media=[{"id": "x"}] * 101), 413, "too_many_items")


class TestRecipients:
    @pytest.mark.parametrize(
        "to",
        [
            pytest.param([], id="none"),
            pytest.param([MOBILE, MOBILE], id="twice"),
            pytest.param([MOBILE, "(415) 555-0143"], id="twice, spelled differently"),
            pytest.param([MOBILE, "4155550143", OTHER_MOBILE], id="twice, among others"),
            pytest.param(["ext:102", "user:acme-bob"], id="the same colleague by two names"),
            pytest.param(["ext:102", "+12025550112"], id="the same colleague by extension and number"),
            pytest.param([MOBILE, ANNS], id="own number"),
            pytest.param([MOBILE, "ext:101"], id="own extension"),
            pytest.param(["user:acme-ann"], id="own name"),
            pytest.param([f"user:someone-{n}" for n in range(51)], id="51"),
            pytest.param([f"+1415555{n:04}" for n in range(51)], id="51 outside"),
        ],
    )
    async def test_row_47_lists(self, edge, to):
        """1 to 50, each once, not oneself."""
        await refused_both_ways(edge, a_body(to=to), 422, "invalid_recipients")

    async def test_row_47_more_than_ten_outside(self, edge):
        """That many only compliance counts."""
        answer = await edge.send(to=list(OUTSIDERS[:11]))

        assert_problem(answer, 422, "too_many_recipients", list(OUTSIDERS))

    async def test_row_47_own_number_that_is_no_endpoint(self, edge):
        """The sender's number, though the directory does not have it."""
        answer = await edge.send(sender="+12025550117", to=[MOBILE, "+12025550117"])

        assert_problem(answer, 422, "invalid_recipients")


class TestTimes:
    @pytest.mark.parametrize("field", ["send_at", "expires_at"])
    @pytest.mark.parametrize(
        "value",
        [
            *("", "now", "tomorrow", "1795000000", "2026-12-20", "2026-12-20T13:00:00", "2026-12-20 13:00:00Z"),
            *("0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00"),
            *("2026-12-31T23:59:60Z", "2026-02-30T12:00:00Z", "2026-12-20T24:00:00Z", "2026-12-20T13:00:00+24:00"),
            *("20261220T130000Z", "2026-W47-5T13:00:00Z", "2026-12-20T13:00:00z", "2026-12-20T13:00Z"),
            *("2026-12-20T13:00:00.Z", "２０２６-12-20T13:00:00Z", "2026-12-20T13:00:00Z\n", "2020-01-01T00:00:00Z"),
        ],
    )
    async def test_row_50_instants(self, edge, field, value):
        """RFC 3339 with an offset, in the future, within seven days."""
        await refused_both_ways(edge, a_body() | {field: value}, 422, "invalid_time")

    @pytest.mark.parametrize("field", ["send_at", "expires_at"])
    @pytest.mark.parametrize("delta", [{"days": 7, "minutes": 1}, {"minutes": -1}])
    async def test_row_50_just_outside(self, edge, field, delta):
        """A minute too early, a minute too late."""
        await refused(edge, a_body() | {field: ahead(**delta)}, 422, "invalid_time")

    @pytest.mark.parametrize("field", ["send_at", "expires_at"])
    @pytest.mark.parametrize("delta", [{"days": 6, "hours": 23}, {"minutes": 1}])
    async def test_row_50_just_inside(self, edge, field, delta):
        """A minute ahead, and nearly seven days."""
        assert (await edge.post("/v1/messages", a_body() | {field: ahead(**delta)})).status == 202

    @pytest.mark.parametrize("suffix", ["Z", "+00:00", "-00:00", ".5Z", ".123456789Z"])
    async def test_row_50_spellings(self, edge, suffix):
        """All that RFC 3339 has, but for lower case."""
        at = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S") + suffix

        assert (await edge.send(send_at=at)).status == 202

    async def test_row_50_expired_before_it_is_sent(self, edge):
        """What could never go is a mistake."""
        body = a_body(send_at=ahead(hours=2), expires_at=ahead(hours=1))

        await refused_both_ways(edge, body, 422, "invalid_time")
