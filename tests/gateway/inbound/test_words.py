"""STOP, START and HELP: what they change, how they are answered, and that each is answered once."""

import asyncio
import time
from pathlib import Path

import orjson
import pytest

from compliance import documents
from compliance.facts import Owner, SenderNumber
from compliance.inbound import Meaning
from gateway.envelope import Kind, TrafficClass
from gateway.in_force import IN_FORCE_AFTER_S
from tests.gateway.inbound.carrying import a_text, bring, from_person, replies_to, somebody
from tests.gateway.inbound.conftest import POOLED
from tests.gateway.running_edge import (
    ANN,
    ANNS,
    BOBS,
    DISABLED,
    NOBODYS,
    PENDING,
    ROBS,
    SERVICE,
    SUPERSEDED,
    UNASSIGNED,
    assert_problem,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

CASES = Path(__file__).parents[2] / "cases" / "inbound-open.jsonl"
STOPPED = (
    "Acme Home Services: You are opted out and will receive no further messages. Text START to receive them again."
)


async def standing(edge, person, tenant="acme"):
    """What is kept of a person's opt-out."""
    (record,) = await edge.queue.opt_outs([(tenant, person)])
    return record


async def refused_for_opt_out(edge, person, key="ann"):
    """Whether the company's texts to a person are refused for their opt-out."""
    answer = await edge.send(key, to=person)
    if answer.status == 202:
        return False
    assert_problem(answer, 403, "recipient_opted_out")
    return True


class TestMeanings:
    async def test_every_case(self, edge):
        """Each text of the acceptance cases is read as it says, changes what it should, and lies in the inbox."""
        cases = [orjson.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]
        people = {case["id"]: somebody() for case in cases}

        async def one(case):
            person = people[case["id"]]
            assert (await bring(edge, sender=person, to=ANNS, text=case["text"])).status == 200
            (item,) = await from_person(edge, ANN, person)
            assert (item["meaning"], item["text"]) == (case["meaning"], case["text"]), case["id"]
            assert await refused_for_opt_out(edge, person) == (case["meaning"] == Meaning.STOP), case["id"]
            kinds = {Meaning.STOP: [Kind.STOP_REPLY], Meaning.HELP: [Kind.HELP_REPLY]}
            replies = await replies_to(edge, person)
            assert [reply.kind for reply in replies] == kinds.get(case["meaning"], []), case["id"]

        await asyncio.gather(*map(one, cases))
        assert len(cases) > 70


class TestStop:
    async def test_it_counts_when_it_is_answered(self, edge):
        """From all of the company's numbers, and with what was said as evidence; no other company is meant."""
        person = somebody()

        answer = await bring(edge, sender=person, to=ANNS, text=" Stop. ", received_at="2026-11-20T13:00:00Z")

        assert answer.status == 200
        assert await refused_for_opt_out(edge, person)
        assert await refused_for_opt_out(edge, person, "bob")
        assert not await refused_for_opt_out(edge, person, "rob")
        record = await standing(edge, person)
        assert (record.keyword, record.number, record.at_ms) == ("Stop.", ANNS, 1_795_179_600_000)

    async def test_it_is_answered_when_nothing_can_begin_any_more(self, edge):
        """A submission that was judged just before has begun, or never will; what came again is no quicker."""
        body = a_text(sender=somebody(), to=ANNS, text="stop")
        for _ in range(2):
            began = time.monotonic()
            await bring(edge, body)
            assert time.monotonic() - began >= IN_FORCE_AFTER_S

    async def test_one_confirmation(self, edge):
        """From the number that was texted, naming who it is from, at once and not for ever, and proof beside it."""
        person = somebody()
        await bring(edge, sender=person, to=ANNS, text="STOP")

        (reply,) = await replies_to(edge, person)

        assert (reply.sender, reply.text, reply.user, reply.tenant) == (ANNS, STOPPED, ANN, "acme")
        assert (reply.kind, reply.traffic_class, reply.reason) == (
            Kind.STOP_REPLY,
            TrafficClass.URGENT,
            "ok_registered",
        )
        assert 0 < reply.expires_ms - reply.accepted_ms <= 301_000
        record = orjson.loads(reply.record)
        assert record["decision"]["verdict"] == "allow"
        assert "opted_out" not in record["facts"].get("recipient", {}) or not record["facts"]["recipient"]["opted_out"]

    async def test_one_however_often_it_comes(self, edge):
        """Again, many at once, and by other words: one opt-out, of the first of them, and one confirmation."""
        person = somebody()
        body = a_text(sender=person, to=ANNS, text="STOP", received_at="2026-11-20T13:00:00Z")

        await asyncio.gather(*(bring(edge, body) for _ in range(12)))
        await bring(edge, sender=person, to=BOBS, text="QUIT", received_at="2026-11-20T13:00:01Z")
        await bring(edge, body)

        assert [reply.kind for reply in await replies_to(edge, person)] == [Kind.STOP_REPLY]
        assert (await standing(edge, person)).keyword == "STOP"
        assert len(await from_person(edge, ANN, person)) == 1

    @pytest.mark.parametrize("number", [UNASSIGNED, PENDING, DISABLED, SUPERSEDED, SERVICE, POOLED])
    async def test_to_a_number_that_may_not_send(self, edge, number):
        """It is obeyed by the whole company; an answer from there would break the rules that the number breaks."""
        person = somebody()

        assert (await bring(edge, sender=person, to=number, text="STOP")).status == 200

        assert await refused_for_opt_out(edge, person)
        assert await replies_to(edge, person) == []

    async def test_to_a_number_of_nobody(self, edge):
        """There is no company that it could mean."""
        person = somebody()
        assert (await bring(edge, sender=person, to=NOBODYS, text="STOP")).status == 200
        assert not await refused_for_opt_out(edge, person)

    async def test_to_a_toll_free_number(self, edge):
        """The network confirms it, and would not have us say it twice; help is ours to give."""
        person, did = somebody(), "+18005550123"
        number = SenderNumber(owner=Owner("acme", ANN), kind="toll_free", sms="enabled")
        await edge.registry.write({documents.number_key(did): documents.dump_number(number)})

        await bring(edge, sender=person, to=did, text="STOP")

        assert await refused_for_opt_out(edge, person)
        assert await replies_to(edge, person) == []

    async def test_from_nobody_who_could_be_texted(self, edge):
        """A short code cannot opt out, and is not answered."""
        assert (await bring(edge, sender="72345", to=ANNS, text="STOP")).status == 200
        assert await standing(edge, "72345") is None

    async def test_an_administrators_word_counts_when_it_is_answered(self, edge):
        """The same bound for opt-outs that come by the API."""
        row = {"recipient": somebody(), "at": "2026-11-20T13:00:00Z", "keyword": "letter"}
        began = time.monotonic()
        await edge.call("PUT", "/v1/opt-outs", key="acme", json={"opt_outs": [row]})
        assert time.monotonic() - began >= IN_FORCE_AFTER_S


class TestStart:
    async def test_it_takes_an_opt_out_back(self, edge):
        """Whichever number it comes to, and whoever kept it; with one confirmation. Again it changes nothing."""
        person = somebody()
        await bring(edge, sender=person, to=ANNS, text="STOP")

        for _ in range(2):
            await bring(edge, sender=person, to=BOBS, text="start")
            assert not await refused_for_opt_out(edge, person)

        stop, start = await replies_to(edge, person)
        assert (stop.kind, start.kind, start.sender) == (Kind.STOP_REPLY, Kind.START_REPLY, BOBS)
        assert start.text.startswith("Acme Home Services: You will receive messages again.")

    async def test_after_it_a_stop_is_a_new_one(self, edge):
        """With a confirmation of its own."""
        person = somebody()
        for word in ("STOP", "START", "STOP"):
            await bring(edge, sender=person, to=ANNS, text=word)

        assert await refused_for_opt_out(edge, person)
        kinds = [reply.kind for reply in await replies_to(edge, person)]
        assert kinds == [Kind.STOP_REPLY, Kind.START_REPLY, Kind.STOP_REPLY]

    async def test_a_stop_that_comes_again_after_it(self, edge):
        """It was obeyed once; the person's last word stands."""
        person = somebody()
        stop = a_text(sender=person, to=ANNS, text="STOP")
        await bring(edge, stop)
        await bring(edge, sender=person, to=ANNS, text="START")

        await bring(edge, stop)

        assert not await refused_for_opt_out(edge, person)
        assert len(await replies_to(edge, person)) == 2

    async def test_one_that_was_overtaken(self, edge):
        """Written before the STOP, brought after it: whoever wrote both wants no texts."""
        person = somebody()
        await bring(edge, sender=person, to=ANNS, text="STOP", received_at="2026-11-20T13:00:05Z")

        await bring(edge, sender=person, to=ANNS, text="START", received_at="2026-11-20T13:00:00Z")
        assert await refused_for_opt_out(edge, person)

        await bring(edge, sender=person, to=ANNS, text="START", received_at="2026-11-20T13:00:05Z")
        assert not await refused_for_opt_out(edge, person)

    async def test_a_yes_in_a_conversation(self, edge):
        """Whoever had not opted out is not told that they are back."""
        person = somebody()
        await bring(edge, sender=person, to=ANNS, text="Yes")

        assert await replies_to(edge, person) == []


class TestHelp:
    async def test_it_is_answered_opted_out_or_not(self, edge):
        """Once for each time somebody asks; and the opt-out stays."""
        person = somebody()
        await bring(edge, sender=person, to=ANNS, text="STOP")
        body = a_text(sender=person, to=ANNS, text="HELP")
        for _ in range(3):
            await bring(edge, body)

        stop, answer = await replies_to(edge, person)

        assert (stop.kind, answer.kind) == (Kind.STOP_REPLY, Kind.HELP_REPLY)
        assert answer.text.startswith("Acme Home Services: For help, call 202-555-0111.")
        assert await refused_for_opt_out(edge, person)

    async def test_a_registered_message_is_the_answer(self, edge):
        """What the campaign promised."""
        person = somebody()
        await bring(edge, sender=person, to=ROBS, text="help")

        assert [reply.text for reply in await replies_to(edge, person)] == ["Rival: call 555"]


class TestSuspicion:
    async def test_texts_are_flagged_until_somebody_settles_it(self, edge):
        """A phrase may be a revocation: nothing is hidden from the people, and nothing is decided for them."""
        person = somebody()
        await bring(edge, sender=person, to=ANNS, text="Please stop texting me")

        answer = await edge.send(to=person)
        assert (answer.status, answer.json["reason"]["code"]) == (202, "flag_free_text_revocation")
        assert await replies_to(edge, person) == []
        (item,) = await from_person(edge, ANN, person)
        assert item["meaning"] == "revocation_suspected"

        row = {"recipient": person, "at": "2026-11-20T13:00:00Z", "keyword": "Please stop texting me"}
        await edge.call("PUT", "/v1/opt-outs", key="acme", json={"opt_outs": [row]})
        assert await refused_for_opt_out(edge, person)

    async def test_the_persons_own_start_settles_it(self, edge):
        """It says that texts are wanted."""
        person = somebody()
        await bring(edge, sender=person, to=ANNS, text="no more texts")
        await bring(edge, sender=person, to=ANNS, text="START")

        assert (await edge.send(to=person)).json["reason"]["code"] == "ok_registered"

    async def test_whoever_has_opted_out_has_done_so(self, edge):
        """An angry word after it changes nothing, and a START is not undone by an older phrase."""
        person = somebody()
        for word in ("STOP", "stop texting me", "START"):
            await bring(edge, sender=person, to=ANNS, text=word)

        assert (await edge.send(to=person)).json["reason"]["code"] == "ok_registered"
