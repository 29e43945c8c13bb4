"""Texts that come together go together, and what goes wrong with one is its own."""

import asyncio

import orjson
import pytest

from gateway.edge.front import Ask
from gateway.edge.intake import Intake
from gateway.edge.keys import Principal
from gateway.edge.replies import Reply
from gateway.errors import Problem
from gateway.send.pipeline import Result

PRINCIPALS = {
    "ann": Principal(tenant="acme", user="ann", scopes=frozenset({"send"})),
    "rob": Principal(tenant="rival", user="rob", scopes=frozenset({"send"})),
    "reader": Principal(tenant="acme", user="ann", scopes=frozenset({"read"})),
}


class Keys:
    """Keys by name; one of them is in no memory, one breaks the check."""

    def at_hand(self, authorization):
        """Find a key, or say that it must be looked up."""
        if authorization == "elsewhere":
            return None
        if authorization == "crash":
            raise RuntimeError("a fault of ours")
        if authorization not in PRINCIPALS:
            raise Problem("unauthenticated")
        return PRINCIPALS[authorization]

    async def check(self, authorization):
        """Look it up."""
        await asyncio.sleep(0)
        return PRINCIPALS["ann"] if authorization == "elsewhere" else self.at_hand(authorization)


class Pipeline:
    """Accepts everything, but for texts that say what should become of them."""

    def __init__(self):
        self.groups = []
        self.alone = []
        self.crash = False

    async def send_at_hand(self, asked):
        """Take a group."""
        texts = [draft.text for _, draft in asked]
        self.groups.append(texts)
        await asyncio.sleep(0)
        if self.crash:
            raise RuntimeError("a fault of ours")
        return [self._become(text) for text in texts]

    async def send(self, asked):
        """Take one that had to wait for a document."""
        ((_, draft),) = asked
        self.alone.append(draft.text)
        await asyncio.sleep(0)
        return [Result(status=202, body={"id": draft.text})]

    def _become(self, text):
        if text == "far":
            return None
        return Problem("unknown_user", "/user") if text == "nobody" else Result(status=202, body={"id": text})


class Asker:
    """Notes what it hears."""

    def __init__(self):
        self.turns = 0
        self.answers = []
        self.heard = asyncio.Event()

    def begin(self):
        """Have one's turn."""
        self.turns += 1

    def conclude(self, answer):
        """Have one's answer."""
        self.answers.append(answer)
        self.heard.set()

    def said(self):
        """The one answer in a word."""
        assert (self.turns, len(self.answers)) == (1, 1)
        (answer,) = self.answers
        return answer.code if isinstance(answer, Problem) else orjson.loads(answer.body)["id"]


@pytest.fixture
def pipeline():
    """What takes the texts."""
    return Pipeline()


@pytest.fixture
def intake(pipeline):
    """An intake before it."""
    return Intake(Keys(), pipeline)


def an_ask(text="Hi", *, key="ann", body=None, keys=()):
    """One request."""
    return Ask(key, keys, orjson.dumps({"to": "+14155550143", "text": text}) if body is None else body)


async def answered(intake, *asks):
    """What each is told."""
    askers = [Asker() for _ in asks]
    for ask, asker in zip(asks, askers, strict=True):
        intake.take(ask, asker)
    async with asyncio.timeout(5):
        for asker in askers:
            await asker.heard.wait()
    return [asker.said() for asker in askers]


class TestTogether:
    async def test_those_of_one_turn_go_as_one_group(self, intake, pipeline):
        """In order, whoever they belong to."""
        said = await answered(intake, an_ask("one"), an_ask("two", key="rob"), an_ask("three"))

        assert said == ["one", "two", "three"]
        assert pipeline.groups == [["one", "two", "three"]]

    async def test_one_alone_waits_for_nobody(self, intake, pipeline):
        """A group is who is there."""
        assert await answered(intake, an_ask("one")) == ["one"]
        assert await answered(intake, an_ask("two")) == ["two"]
        assert pipeline.groups == [["one"], ["two"]]

    async def test_a_group_has_its_size(self, intake, pipeline):
        """The first must not wait long for the last."""
        texts = [str(n) for n in range(150)]

        assert await answered(intake, *map(an_ask, texts)) == texts
        assert [len(group) for group in pipeline.groups] == [64, 64, 22]


class TestAlone:
    async def test_who_needs_a_document_that_is_not_here_goes_alone(self, intake, pipeline):
        """The others have their answer without it."""
        assert await answered(intake, an_ask("one"), an_ask("far"), an_ask("two")) == ["one", "far", "two"]
        assert pipeline.alone == ["far"]

    async def test_whose_key_is_not_here_goes_alone(self, intake, pipeline):
        """It is looked up, and the text is taken."""
        assert await answered(intake, an_ask("one"), an_ask("two", key="elsewhere")) == ["one", "two"]
        assert (pipeline.groups, pipeline.alone) == ([["one"]], ["two"])


class TestOnesOwn:
    @pytest.mark.parametrize(
        ("ask", "code"),
        [
            (an_ask(key="stranger"), "unauthenticated"),
            (an_ask(key=None), "unauthenticated"),
            (an_ask(key="reader"), "forbidden"),
            (an_ask(key="crash"), "internal_error"),
            (an_ask(body=b"{"), "invalid_json"),
            (an_ask(keys=("",)), "invalid_idempotency_key"),
            (an_ask("nobody"), "unknown_user"),
        ],
    )
    async def test_a_problem_is_told_to_who_has_it(self, intake, ask, code):
        """Before it and behind it texts are taken."""
        assert await answered(intake, an_ask("one"), ask, an_ask("two")) == ["one", code, "two"]

    async def test_a_group_that_is_nobodys_is_not_sent(self, intake, pipeline):
        """Nothing is asked of the pipeline."""
        assert await answered(intake, an_ask(key="stranger")) == ["unauthenticated"]
        assert pipeline.groups == []

    async def test_a_fault_of_ours_is_an_answer(self, intake, pipeline):
        """Nobody is left waiting."""
        pipeline.crash = True

        assert await answered(intake, an_ask("one"), an_ask("two")) == ["internal_error", "internal_error"]

    async def test_who_cannot_hear_keeps_nobody_waiting(self, intake):
        """A connection that breaks in its answer is one connection."""

        class Deaf(Asker):
            def conclude(self, answer):
                super().conclude(answer)
                raise RuntimeError("broken")

        deaf, other = Deaf(), Asker()
        intake.take(an_ask("one"), deaf)
        intake.take(an_ask("two"), other)
        async with asyncio.timeout(5):
            await other.heard.wait()

        assert isinstance(other.answers[0], Reply)
        assert len(deaf.answers) == 1
