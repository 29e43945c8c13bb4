"""Texts from outside: where they go, who may bring them, and that each is there once."""

import asyncio
import time

import pytest

from gateway import received
from gateway.edge.inbound_route import BODY_BYTES_MAX
from tests.gateway.inbound.carrying import PATH, a_text, bring, from_person, somebody
from tests.gateway.inbound.conftest import POOLED
from tests.gateway.running_edge import (
    ANN,
    ANNS,
    DISABLED,
    FOREIGN,
    NOBODYS,
    PENDING,
    ROB,
    ROBS,
    SERVICE,
    SUPERSEDED,
    UNASSIGNED,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


class TestInbox:
    @pytest.mark.parametrize(
        ("number", "user"),
        [
            (ANNS, ANN),
            (UNASSIGNED, "acme-uma"),
            (PENDING, "acme-pen"),
            (DISABLED, "acme-dis"),
            (SUPERSEDED, ANN),
            (SERVICE, ANN),
        ],
    )
    async def test_it_reaches_the_owner(self, edge, number, user):
        """Also of a number that may not send, or not any more: people answer for years."""
        person = somebody()

        answer = await bring(edge, sender=person, to=number, text="Are you there?", received_at="2026-11-20T13:00:00Z")

        assert (answer.status, answer.json) == (200, {"received": 1})
        (item,) = await from_person(edge, user, person)
        assert item.pop("cursor")
        assert item == {
            "channel": "sms",
            "from_user": None,
            "from": person,
            "to": number,
            "text": "Are you there?",
            "media": [],
            "client_message_id": None,
            "sent_at": "2026-11-20T13:00:00Z",
            "meaning": "none",
        }

    async def test_it_is_the_owners_alone(self, edge):
        """Whoever owns the number; no other company sees anything of it."""
        person = somebody()
        await bring(edge, sender=person, to=ROBS)

        assert await from_person(edge, ROB, person, "rival")
        assert not await from_person(edge, ANN, person)

    async def test_pictures_are_told_of(self, edge):
        """By type and size; what cannot be read of that costs nobody the text."""
        person, media = somebody(), [{"type": "image/jpeg", "bytes": 9, "url": "x"}, {"type": 1, "bytes": -1}, "odd"]

        await bring(edge, sender=person, to=ANNS, text=None, media=media)

        (item,) = await from_person(edge, ANN, person)
        described = [(one["id"], one["type"], one["bytes"]) for one in item["media"]]
        assert described == [(None, "image/jpeg", 9), (None, "application/octet-stream", 0)]
        assert (item["channel"], item["text"]) == ("mms", "")

    @pytest.mark.parametrize("sender", ["72345", "ACME-BANK", "", None, "+442079460000"])
    async def test_whoever_writes(self, edge, sender):
        """A short code, a name, nobody: it is kept as it came."""
        text = f"from {sender}, {time.time_ns()}"

        assert (await bring(edge, sender=sender, to=ANNS, text=text)).status == 200

        items = await from_person(edge, ANN, sender or "")
        assert text in [item["text"] for item in items]

    @pytest.mark.parametrize("received_at", [None, "soon", 1_795_000_000, "2026-11-20T13:00:00", "2126-01-01T00:00Z"])
    async def test_an_instant_that_is_none_is_now(self, edge, received_at):
        """No text is lost for its clock."""
        person = somebody()
        await bring(edge, sender=person, to=ANNS, received_at=received_at)

        (item,) = await from_person(edge, ANN, person)
        assert item["sent_at"][:4] == time.strftime("%Y", time.gmtime())


class TestNobodys:
    @pytest.mark.parametrize("number", [NOBODYS, FOREIGN, POOLED, "12", "MAIN"])
    async def test_it_is_kept_for_people_to_look_at(self, edge, number):
        """200, for the carrier could only bring it again; and it is not lost."""
        person = somebody()
        for _ in range(2):
            assert (await bring(edge, a_text(id=f"orphan-{number}", sender=person, to=number))).status == 200

        kept = [received.load(one.payload) for one in await edge.queue.orphans(after="", limit=1_000)]
        assert [(one.recipient, one.text) for one in kept if one.sender == person] == [(number, "Hi there")]


class TestOnce:
    async def test_a_text_that_comes_again_is_there_once(self, edge):
        """One after the other, and many at the same moment."""
        person = somebody()
        body = a_text(sender=person, to=ANNS)

        answers = [await bring(edge, body)]
        answers += await asyncio.gather(*(bring(edge, body) for _ in range(12)))

        assert {answer.status for answer in answers} == {200}
        assert len(await from_person(edge, ANN, person)) == 1

    async def test_the_same_words_under_another_id_are_another_text(self, edge):
        """People repeat themselves."""
        person = somebody()
        for _ in range(2):
            await bring(edge, sender=person, to=ANNS, text="Hello?")

        assert len(await from_person(edge, ANN, person)) == 2

    async def test_they_come_in_order(self, edge):
        """As they were brought."""
        person = somebody()
        for turn in range(5):
            await bring(edge, sender=person, to=ANNS, text=f"{turn}")

        assert [item["text"] for item in await from_person(edge, ANN, person)] == ["0", "1", "2", "3", "4"]


class TestBadInput:
    async def test_a_stranger_is_not_heard(self, edge):
        """Another secret, an old recording, another carrier: nothing is kept."""
        person = somebody()
        body = a_text(sender=person, to=ANNS, text="STOP")
        stranger = "whsec_c29tZWJvZHkgZWxzZQ=="

        for answer, status, code in (
            (await bring(edge, body, secret=stranger), 401, "invalid_signature"),
            (await bring(edge, body, at_s=int(time.time()) - 400), 401, "stale_webhook"),
            (await bring(edge, body, at_s=int(time.time()) + 400), 401, "stale_webhook"),
            (await bring(edge, body, path="/carriers/zeta/inbound"), 404, "not_found"),
            (await edge.call("POST", PATH, key="acme", json=body), 401, "invalid_signature"),
        ):
            assert (answer.status, answer.json["code"]) == (status, code)
        assert not await from_person(edge, ANN, person)
        assert (await edge.send(to=person)).status == 202

    @pytest.mark.parametrize(
        ("body", "status", "code", "pointer"),
        [
            (b"{", 400, "invalid_json", None),
            (b"[]", 422, "invalid_type", None),
            (b'{"id":"zq7canary","id":"zq7canary"}', 400, "duplicate_key", "/id"),
            (a_text(id=None, to=ANNS), 422, "missing_field", "/id"),
            (a_text(id="", to=ANNS), 422, "missing_field", "/id"),
            (a_text(id=7, to=ANNS), 422, "invalid_type", "/id"),
            (a_text(id="zq7canary" * 30, to=ANNS), 422, "invalid_type", "/id"),
            (a_text(), 422, "missing_field", "/to"),
            (a_text(to=["zq7canary"]), 422, "invalid_type", "/to"),
            (a_text(to=ANNS, sender=4155550143), 422, "invalid_type", "/from"),
            (a_text(to=ANNS, text=["zq7canary"]), 422, "invalid_type", "/text"),
            (b" " * (BODY_BYTES_MAX + 1), 413, "body_too_large", None),
        ],
    )
    async def test_what_cannot_be_read(self, edge, body, status, code, pointer):
        """The field is named, and none of what it holds."""
        answer = await bring(edge, body)

        assert (answer.status, answer.json["code"]) == (status, code)
        assert answer.json.get("errors", [{}])[0].get("pointer") == pointer
        assert "zq7canary" not in answer.text

    @pytest.mark.parametrize("text", ["\x00\x1b", "🍜" * 900, "\ud7ff\u202e", "a\r\nb", " "])
    async def test_odd_texts_are_texts(self, edge, text):
        """Whatever somebody managed to type."""
        person = somebody()

        assert (await bring(edge, sender=person, to=ANNS, text=text)).status == 200

        assert [item["text"] for item in await from_person(edge, ANN, person)] == [text]

    async def test_fields_that_we_do_not_know_are_skipped(self, edge):
        """Carriers add some."""
        assert (await bring(edge, a_text(to=ANNS, network="x", parts=2))).status == 200
