"""The model of the registry store and the real functions, given the same random calls, give the same answers."""

import random

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from compliance.documents import FEED_KEY, MARK_KEY, PROCESSES_KEY
from gateway.near.store import RegistryStore as Source
from registry.store import REBUILD_KEY, RegistryStore
from tests.simulation.registry_model import RegistryServer

KEYS = {
    "apply": [MARK_KEY, FEED_KEY],
    "reset": [MARK_KEY],
    "stage": [REBUILD_KEY],
    "follow": [MARK_KEY, PROCESSES_KEY],
    "leave": [PROCESSES_KEY],
    "followers": [MARK_KEY, PROCESSES_KEY],
}
STEPS = 150


class Pair:
    """Both stores, each asked the same."""

    def __init__(self, real, seed):
        self.real = real
        self.draw = random.Random(seed)
        self.now_ms = 0
        self.model = RegistryServer(lambda: self.now_ms)

    async def both(self, function, *args):
        """Call a function at both; they answer alike, the instants left out."""
        seconds, micros = await self.real.time()
        self.now_ms = seconds * 1000 + micros // 1000
        try:
            expected = self.model.call(function, KEYS[function], args)
        except ResponseError as error:
            with pytest.raises(ResponseError) as raised:
                await self.real.fcall(function, len(KEYS[function]), *KEYS[function], *args)
            assert str(raised.value) == str(error)  # noqa: PT017 - two errors are compared
            return
        answer = await self.real.fcall(function, len(KEYS[function]), *KEYS[function], *args)
        assert plain(function, answer) == plain(function, expected)

    def pairs(self):
        """Draw some documents, some of which are to be deleted."""
        pairs = []
        for _ in range(self.draw.randrange(4)):
            pairs += [f"{{reg}}:num:{self.draw.randrange(6)}", self.draw.choice((b"", b"one", b"two"))]
        return pairs

    async def step(self):
        """Draw a call: usually one that fits, sometimes one that does not."""
        epoch, seq = (self.model.mark or (0, 0, 0))[:2]
        epoch = max(1, epoch + self.draw.choice((0, 0, 0, 1, -1)))
        match self.draw.choice(("apply", "apply", "apply", "reset", "stage", "follow", "leave", "followers")):
            case "apply":
                pairs = self.pairs()
                from_seq = self.draw.choice((seq, seq, seq, 0, seq + 1))
                late = self.draw.random() < 0.1
                until_ms = self.now_ms + (-60_000 if late else 60_000)
                to_seq = from_seq + self.draw.randrange(3)
                age_ms = self.draw.choice((0, 1, 700))
                await self.both("apply", epoch, from_seq, to_seq, age_ms, until_ms, len(pairs) // 2, *pairs)
            case "reset":
                if self.draw.random() < 0.4:
                    await self.both("reset", epoch)
            case "stage":
                await self.both("stage", self.model.rebuilding or epoch, *self.pairs())
            case "follow":
                await self.both("follow", f"gateway:{self.draw.randrange(3)}", epoch, seq)
            case "leave":
                await self.both("leave", f"gateway:{self.draw.randrange(3)}")
            case "followers":
                await self.both("followers")

    async def compare(self, source):
        """Documents, mark and feed."""
        documents = {}
        async for piece in source.scan():
            documents.update(piece)
        assert documents == self.model.documents
        mark = await self.real.hmget(MARK_KEY, "epoch", "seq")
        assert mark == ([None, None] if self.model.mark is None else [b"%d" % part for part in self.model.mark[:2]])
        step = await source.follow("looker", None, "0-0", wait=False)
        assert [one[1:] for one in step.changes] == [one[1:] for one in self.model.changes("0-0")]
        self.model.call("follow", (), ("looker", 0, 0))


def plain(function, answer):
    """An answer without instants, which two clocks gave."""
    if function == "apply":
        return None
    if function in {"follow", "followers"}:
        head, rest = answer[:2], answer[4:]
        said = {name: value.split()[:2] for name, value in zip(rest[::2], rest[1::2], strict=True)}
        return head, [bool(answer[2]), said]
    return answer


@pytest.mark.parametrize("seed", range(4))
async def test_model_and_functions_agree(valkey, seed):
    """After every step each answer is the same, and after some all that is stored."""
    async with Redis.from_url(valkey.url, protocol=2, socket_timeout=None) as real:
        await RegistryStore(real).load_functions()
        source = Source(valkey.url)
        try:
            pair = Pair(real, seed)
            for number in range(STEPS):
                await pair.step()
                if number % 10 == 0:
                    await pair.compare(source)
            assert pair.model.documents
        finally:
            await source.close()
