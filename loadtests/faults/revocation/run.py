"""A run: load, and rounds of flips in each mode; then everybody's ledgers are brought together.

Not here: what is broken (rounds.py), what the bound says (flips.py), the options and the table (__main__.py).
"""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp
from redis.asyncio import Redis

from loadtests.company import TENANT, Company, make_company
from loadtests.faults.checkers import Violation
from loadtests.faults.client import Conversation, Load
from loadtests.faults.collect import read_arrivals
from loadtests.faults.lag import LagWatch
from loadtests.faults.ledger import Arrival, write_rows
from loadtests.faults.proxy import Proxy
from loadtests.faults.revocation.admin import Admin
from loadtests.faults.revocation.flips import (
    Flip,
    Late,
    Mode,
    S,
    broken,
    late_submissions,
    texts_of,
)
from loadtests.faults.revocation.rounds import Kind, Site, draw_round, heal, run_round
from loadtests.faults.run import Tell, logs_kept
from loadtests.faults.stand import Standing, standing
from loadtests.parts import Keys

#: Longest wait for the clients' answers at the end.
_ANSWERS_S: Final = 60.0
#: Flips a second; a round without faults is spread more, so that the registry itself has no queue.
_FLIPS_PER_S: Final = {True: 15.0, False: 40.0}
#: A number that sent within so many seconds before its flip was busy.
_BUSY_NS: Final = 5 * S
#: A round without faults has so many times the flips of another: one of a hundred may take longer there.
_SHARES: Final = {Kind.NONE: 3}
_STRICT: Final = 'name = "strict"\nversion = "1"\nmode = "strict"\n'
#: In enforce mode programs are bounded all the same; rounds in which facts stay live are no different there.
USUAL_ROUNDS: Final[Mapping[Mode, tuple[Kind, ...]]] = {
    "strict": tuple(Kind),
    "enforce": (Kind.NONE, Kind.REGISTRY_KILLED, Kind.REGISTRY_CUT_OFF, Kind.LINE_SLOW),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a run is asked for."""

    seed: int
    #: In all rounds together.
    flips: int = 500
    rounds: Mapping[Mode, tuple[Kind, ...]]
    senders: int = 200
    #: Texts a second, of all together.
    rate: float = 160.0
    out: Path = Path("var/revocations")
    #: Settings of the registry, beside those that it needs.
    registry: Mapping[str, str] = field(default_factory=dict)

    def count(self, kind: Kind) -> int:
        """Return how many flips a round of that kind has."""
        shares = sum(_SHARES.get(kind, 1) for kinds in self.rounds.values() for kind in kinds)
        return -(-self.flips // shares) * _SHARES.get(kind, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run found."""

    lates: tuple[Late, ...]
    #: Flips whose number had just sent.
    busy: int
    #: Flips that came to nothing, and why.
    failed: tuple[str, ...]
    #: The longest scheduling lag of each round, in seconds.
    lags: Mapping[tuple[Mode, str], float]

    def violations(self) -> list[Violation]:
        """List what breaks the bound."""
        unanswered = [Violation(rule="every_flip_done", subject="", words=words) for words in self.failed]
        return unanswered + broken(self.lates, self.lags)


def run(options: Options, environment: Mapping[str, str], tell: Tell) -> Outcome:
    """Run; environment is what children inherit. ChildError when the product does not come up (again)."""
    options.out.mkdir(parents=True, exist_ok=True)
    lates: list[Late] = []
    failed: list[str] = []
    lags: dict[tuple[Mode, str], float] = {}
    busy = 0
    for mode, kinds in options.rounds.items():
        tell(f"{mode}: starting")
        folder = options.out / mode
        folder.mkdir(exist_ok=True)
        with (
            standing(
                environment, settings=_settings(mode, folder), company=_company(options), registry=options.registry
            ) as product,
            logs_kept(product.stand, folder) as keep,
            LagWatch() as lag,
        ):
            load = _start_load(product, options, folder)
            job = _Rounds(options=options, product=product, mode=mode, kinds=kinds, tell=tell, lag=lag)
            try:
                site_failed, flips = asyncio.run(job.run(load, lags))
            finally:
                load.finish(0)
            arrivals = read_arrivals(product.stand)
            write_rows(folder / "flips.ndjson", flips)
            write_rows(folder / "arrivals.ndjson", arrivals)
            texts = texts_of(load.lines, load.conversations, product.keys.tenants[TENANT])
            found = late_submissions(flips, arrivals, texts)
            busy += _busy(flips, arrivals, {digest: text.did for digest, text in texts.items()})
            if not broken(found, lags) and not site_failed:
                keep.pop_all()
        lates += found
        failed += site_failed
    return Outcome(lates=tuple(lates), busy=busy, failed=tuple(failed), lags=lags)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rounds:
    """The rounds of one mode."""

    options: Options
    product: Standing
    mode: Mode
    kinds: Sequence[Kind]
    tell: Tell
    lag: LagWatch

    async def run(self, load: Load, lags: dict[tuple[Mode, str], float]) -> tuple[list[str], list[Flip]]:
        """Run all rounds, and end the load; why flips came to nothing, and the flips."""
        stand, flips = self.product.stand, []
        async with AsyncExitStack() as stack:
            path = stand.url("registry-store").removeprefix("unix://")
            proxy = await stack.enter_async_context(Proxy(path, seed=self.options.seed))
            session = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
            store = await stack.enter_async_context(Redis(unix_socket_path=path, socket_timeout=None))
            settings = await self._behind(f"redis://127.0.0.1:{proxy.port}/0")
            admin = Admin(
                session=session,
                port=int(settings["A2P_REGISTRY_HTTP_PORT"]),
                key=self.product.keys.admins[TENANT],
                database=settings.get("A2P_REGISTRY_DATABASE_URL")
                or Path(settings["A2P_REGISTRY_DATA_DIR"]) / "registry.db",
            )
            numbers = list(self.product.company.senders.values())
            site = Site(stand=stand, mode=self.mode, admin=admin, proxy=proxy, store=store, free=numbers)
            async with asyncio.TaskGroup() as giving:
                for kind in self.kinds:
                    draw = random.Random(f"{self.options.seed} {self.mode} {kind}")
                    count = self.options.count(kind)
                    dids = await site.take(count)
                    seconds = count / _FLIPS_PER_S[kind is Kind.NONE]
                    plan = draw_round(draw, kind, dids, seconds=seconds)
                    self.tell(f"{self.mode}: {kind}, {count} flips")
                    self.lag.take()
                    flips += await run_round(site, plan, giving)
                    lags[self.mode, kind] = self.lag.take()
            await heal(stand)
            self.tell(f"{self.mode}: waiting for the last answers")
            await asyncio.to_thread(load.finish, _ANSWERS_S)
        return site.failed, flips

    async def _behind(self, url: str) -> dict[str, str]:
        """Put another registry in the place of the first, one that reaches its store by this URL; its settings."""
        stand = self.product.stand
        (before,) = stand.of("registry")
        settings = stand.add_registry("registry-behind", url)
        stand.start("registry-behind")
        await asyncio.to_thread(stand.wait_ready, "registry-behind")
        stand.terminate(before)
        await asyncio.to_thread(stand.remove, before)
        return settings


def _settings(mode: Mode, folder: Path) -> dict[str, str]:
    if mode == "enforce":
        return {}
    policy = (folder / "strict.toml").absolute()
    policy.write_text(_STRICT)
    return {"A2P_POLICY": str(policy)}


def _company(options: Options) -> Company:
    return make_company(senders=options.senders, contacts=2 * options.senders)


def _start_load(product: Standing, options: Options, folder: Path) -> Load:
    """Have everybody write, each as a person and through a program."""
    talks = conversations(product.company, product.keys)
    load = Load(
        conversations=talks, port=product.stand.port, rate=options.rate, seed=options.seed, folder=folder
    ).start()
    time.sleep(len(talks) / options.rate)  # Everybody has written once.
    return load


def conversations(company: Company, keys: Keys) -> list[Conversation]:
    """Make two conversations of each sender: as a person, and through a program."""
    contacts = iter(company.contacts)
    return [
        Conversation(user=user, key=key, sender=did, recipient=next(contacts))
        for user, did in company.senders.items()
        for key in (keys.users[user], keys.tenants[TENANT])
    ]


def _busy(flips: Sequence[Flip], arrivals: Sequence[Arrival], owner_of: Mapping[str, str]) -> int:
    """Count flips whose number had just sent."""
    sent = {(owner_of.get(one.digest), one.at_ns // S) for one in arrivals}
    back = range(_BUSY_NS // S + 1)
    return sum(any((flip.did, flip.sent_ns // S - seconds) in sent for seconds in back) for flip in flips)
