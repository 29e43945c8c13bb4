"""A text from outside while steps fail: once the carrier has brought it again, all is as if nothing had."""

import asyncio
import contextlib
from datetime import UTC, datetime

import orjson
import pytest
from prometheus_client import CollectorRegistry

from compliance import documents, shipped
from compliance.facts import Owner
from compliance.inbound import Meaning
from gateway import envelope
from gateway.edge.inbound import read_inbound
from gateway.edge.inbound_desk import InboundDesk, Place
from gateway.edge.inbound_replies import VALIDITY, Answered, InboundReplies
from gateway.envelope import Kind
from gateway.errors import Problem
from gateway.near.cache import NearCache
from gateway.queue import OutcomeUnknown, QueueError, QueueUnavailable
from gateway.queue.store import open_store
from gateway.send.gather import Gatherer
from metrics.inbound import InboundMetrics
from tests.builders import a_brand, an_assignment
from tests.gateway.near.copies import DID, Clock, Copy, a_company, a_number, a_user
from tests.gateway.working import until

CARRIER = "zeta"
PERSON = "+14155550143"
#: What a STOP asks of the store, in order.
STEPS = ("heard", "deliver_text", "opt_outs", "accept")


class Observer:
    """Notes nothing."""

    def __getattr__(self, name):
        return lambda *_: None


class Breaking:
    """A queue store, one step of which fails: it was not done, or it was and nobody hears of it."""

    def __init__(self, store, step, *, done):
        self._store = store
        self._step = step
        self._done = done

    def __getattr__(self, name):
        if name != self._step:
            return getattr(self._store, name)

        async def fail(*args):
            if self._done:
                await getattr(self._store, name)(*args)
                raise OutcomeUnknown("lost")
            raise QueueUnavailable("unreachable")

        return fail


@pytest.fixture
def copy():
    """The registry's copy: Ann's number is registered."""
    link = an_assignment(campaign_id="C1", brand_id="B1")
    return Copy(
        Clock(),
        a_company()
        | {
            documents.number_key(DID): a_number(assignment=link, sms_enabled_at=datetime(2024, 3, 1, tzinfo=UTC)),
            documents.brand_key("B1"): documents.dump_brand(a_brand(id="B1"), name="Acme"),
            documents.user_key("ann"): a_user(),
        },
    )


@pytest.fixture
async def near(copy):
    """What a gateway knows by heart."""
    async with NearCache(copy, Observer(), process="gateway:1", now_ms=copy.clock) as opened:
        yield opened


@pytest.fixture
def registry():
    """An empty registry."""
    return CollectorRegistry()


def a_desk(near, queue, registry=None):
    """Put a gateway's desk together."""
    policy = shipped("current")

    def now():
        return datetime.now(UTC)

    replies = InboundReplies(
        near=near, gatherer=Gatherer(near, queue, policy, now), queue=queue, policy=policy, process="gateway:1", now=now
    )
    metrics = InboundMetrics(
        registry or CollectorRegistry(), carriers=[CARRIER], meanings=Meaning, places=Place, replies=Answered
    )
    return InboundDesk(near, queue, replies, metrics)


def a_text(text="STOP", **fields):
    """Read a text from a person to Ann's number."""
    body = {"id": "mo-1", "from": PERSON, "to": DID, "text": text} | fields
    return read_inbound(orjson.dumps(body), carrier=CARRIER, now_ms=int(datetime.now(UTC).timestamp() * 1_000))


async def kinds(store, raw):
    """Which answers lie in the log."""
    logs = [raw.xrange(f"{{q:{partition}}}:log") for partition in range(store.partitions)]
    return [envelope.load(one).kind for log in logs for _, fields in log for one in fields[b"p"].split(b"\n")]


async def assert_done_once(store, raw, kind=Kind.STOP_REPLY):
    """One text in the inbox, one opt-out, one answer."""
    assert len(await store.inbox("acme", "ann", after="", limit=9)) == 1
    (record,) = await store.opt_outs([("acme", PERSON)])
    assert record.keyword == "STOP"
    assert await kinds(store, raw) == [kind]


class TestRetries:
    @pytest.mark.parametrize("done", [False, True])
    @pytest.mark.parametrize("step", STEPS)
    async def test_a_step_that_fails_is_made_up_for(self, store, raw, near, step, done):
        """The carrier hears no yes, and brings it again; nothing is there twice, whatever was done the first time."""
        for _ in range(2):
            with pytest.raises(QueueError):
                await a_desk(near, Breaking(store, step, done=done)).take(a_text())
        if step != "heard" or done:
            (record,) = await store.opt_outs([("acme", PERSON)])
            assert record.keyword == "STOP", "what was heard counts, whatever came after it"

        await a_desk(near, store).take(a_text())
        await a_desk(near, store).take(a_text())

        await assert_done_once(store, raw)

    async def test_two_gateways_at_once(self, valkey, store, raw, near):
        """One text brought to both, again and again: each step is done once."""
        async with contextlib.AsyncExitStack() as stack:
            stores = [await stack.enter_async_context(open_store(valkey.url)) for _ in range(2)]
            desks = [a_desk(near, one) for one in stores]
            await asyncio.gather(*(desks[turn % 2].take(a_text()) for turn in range(30)))

        await assert_done_once(store, raw)

    async def test_whose_number_it_was_when_it_came(self, store, raw, copy, near):
        """The number has another owner when the carrier comes again: no second text, no second confirmation."""
        with pytest.raises(QueueError):
            await a_desk(near, Breaking(store, "accept", done=True)).take(a_text())
        copy.change({documents.number_key(DID): a_number(owner=Owner("acme", "bob"))})
        await until(lambda: near.reading().seq == copy.mark.seq)

        await a_desk(near, store).take(a_text())

        await assert_done_once(store, raw)
        assert await store.inbox("acme", "bob", after="", limit=9) == []

    async def test_a_confirmation_that_would_come_too_late(self, store, raw, near, registry):
        """Five minutes after the word nobody expects one, and the law does not allow it any more."""
        with pytest.raises(QueueError):
            await a_desk(near, Breaking(store, "accept", done=False)).take(a_text())
        (seen,) = raw.keys("{o:acme}:seen:*")
        (name, noted), *_ = raw.hgetall(seen).items()
        became, at_ms, user = noted.split(b" ")
        raw.hset(seen, name, b"%b %d %b" % (became, int(at_ms) - VALIDITY.seconds * 1_000, user))

        await a_desk(near, store, registry).take(a_text())

        assert await kinds(store, raw) == []
        labels = {"meaning": "stop", "reply": "too_late"}
        assert registry.get_sample_value("gateway_inbound_replies_total", labels) == 1


class TestRegistryAway:
    async def test_what_is_in_memory_counts_whatever_its_age(self, store, raw, copy, near):
        """The STOP is heard and the text delivered; the answer waits for a registration that can be relied on."""
        copy.is_away = True
        copy.clock.now_ms += 3_600_000

        with pytest.raises(Problem) as refused:
            await a_desk(near, store).take(a_text())

        assert refused.value.code == "registry_unavailable"
        assert (await store.opt_outs([("acme", PERSON)]))[0] is not None
        assert await kinds(store, raw) == []
        copy.is_away = False
        copy.beat()
        await until(lambda: near.reading() is not None and near.reading().age_ms < 1_000)
        await a_desk(near, store).take(a_text())
        await assert_done_once(store, raw)

    async def test_a_number_that_may_be_new_is_not_called_nobodys(self, store, copy, near):
        """Somebody's STOP would be lost: the carrier is to come again."""
        copy.is_away = True
        copy.clock.now_ms += 3_600_000

        with pytest.raises(Problem):
            await a_desk(near, store).take(a_text(to="+12025550119"))

        assert await store.orphans(after="", limit=9) == []

    async def test_before_anything_is_loaded(self, store, copy):
        """A gateway that knows nothing says so."""
        copy.is_away = True
        async with NearCache(copy, Observer(), process="gateway:1", now_ms=copy.clock) as near:
            with pytest.raises(Problem):
                await a_desk(near, store).take(a_text())


async def test_what_is_counted(store, near, registry):
    """By carrier, meaning and place, and what became of the answers."""
    desk = a_desk(near, store, registry)
    await desk.take(a_text())
    await desk.take(a_text())
    await desk.take(a_text("Hello", id="mo-2"))
    await desk.take(a_text("Hello", id="mo-3", to="+12025550119"))

    def counted(name, **labels):
        return registry.get_sample_value(f"gateway_{name}_total", labels)

    assert counted("inbound", carrier=CARRIER, meaning="stop", place="inbox") == 2
    assert counted("inbound", carrier=CARRIER, meaning="none", place="inbox") == 1
    assert counted("inbound", carrier=CARRIER, meaning="none", place="orphan") == 1
    assert counted("inbound_replies", meaning="stop", reply="queued") == 1
    assert counted("inbound_replies", meaning="stop", reply="repeated") == 1
