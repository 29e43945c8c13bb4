"""The task that tells: looks for news, gives notices out, and carries each to each recipient until it is there.

Each company has two lanes, instant messages and the hook, and no lane waits for another: a hook that hangs holds up the
same company's hook and nothing else. A gateway or a hook that is away is waited out for three days; then the delivery
is given up, and listed so. A process that dies leaves rows that are due again within half a minute.

Not here: what is news (watcher.py), and what counts as delivered (instant.py, hooks.py).
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import aiohttp
import structlog
from sqlalchemy.exc import InterfaceError, OperationalError

from metrics.registry import RegistryMetrics
from registry.database import Database
from registry.notices import deliveries
from registry.notices.book import Pace
from registry.notices.deliveries import Delivery
from registry.notices.faults import KeyRefusedError, UndeliveredError, UnsubscribedError
from registry.notices.hooks import hook_session, send_hook
from registry.notices.instant import send_instant
from registry.notices.speaker import Speaker
from registry.notices.watcher import BATCH, watch

#: A claimed delivery is due again after so long; its attempt ends before that.
CLAIM: Final = timedelta(seconds=30)
_ATTEMPT_S: Final = 25.0
_POLL_S: Final = 1.0
_DATABASE_AWAY_S: Final = 1.0
#: How often waiting deliveries are counted, and keys that ran out revoked.
_COUNT: Final = timedelta(seconds=10)
_CLEAN: Final = timedelta(minutes=10)
#: Lanes that are worked on at a time, of each kind.
_LANES_MAX: Final = {"im": 8, "hook": 32}

log = structlog.get_logger()


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class Sender:
    """Finds and carries notices. run() until cancelled."""

    def __init__(
        self,
        database: Database,
        metrics: RegistryMetrics,
        *,
        gateway_url: str,
        allow_private_hooks: bool = False,
        pace: Pace | None = None,
        now: Callable[[], datetime] = utc_now,
        poll_s: float = _POLL_S,
        claim: timedelta = CLAIM,
    ) -> None:
        self._database = database
        self._metrics = metrics
        self._gateway_url = gateway_url
        self._allow_loopback = allow_private_hooks
        self._pace = pace or Pace()
        self._now = now
        self._poll_s = poll_s
        self._claim = claim
        self._speaker = Speaker(database)
        self._lanes: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._room = {lane: asyncio.Semaphore(most) for lane, most in _LANES_MAX.items()}
        self._count_at = self._clean_at = now()
        #: For pauses that differ, not for secrets.
        self._draws = random.Random()  # noqa: S311

    async def run(self) -> None:
        """Work until cancelled; waits out a database that is gone."""
        async with self._sessions() as sessions:
            while True:
                try:
                    await self.turn(*sessions)
                except (OperationalError, InterfaceError, OSError) as error:
                    log.warning("notices_failed", trouble="database", error=type(error).__name__)
                    await asyncio.sleep(_DATABASE_AWAY_S)
                except Exception as failure:  # A fault in one notice must not end all that come after it.
                    log.exception("notices_crashed", error=type(failure).__name__)
                    await asyncio.sleep(_DATABASE_AWAY_S)
                await asyncio.sleep(self._poll_s)

    @contextlib.asynccontextmanager
    async def _sessions(self) -> AsyncIterator[tuple[aiohttp.ClientSession, aiohttp.ClientSession]]:
        """Open the way to the gateway and the way to hooks; at the end stop what is under way, and revoke the keys."""
        async with aiohttp.ClientSession() as gateway, hook_session(allow_loopback=self._allow_loopback) as hooks:
            try:
                yield gateway, hooks
            finally:
                for task in self._lanes.values():
                    task.cancel()
                await asyncio.gather(*self._lanes.values(), return_exceptions=True)
                with contextlib.suppress(OperationalError, InterfaceError, OSError):
                    await self._speaker.close(self._now())

    async def turn(self, gateway: aiohttp.ClientSession, hooks: aiohttp.ClientSession) -> None:
        """Look for news, give out what waited long enough, and set every lane with something due to work."""
        while await watch(self._database, now=self._now(), pace=self._pace) >= BATCH:
            pass
        now = self._now()
        async with self._database.reading() as connection:
            ready = await deliveries.any_to_give_out(connection, now)
        if ready:
            async with self._database.writing() as connection:
                await deliveries.give_out(connection, now)
        async with self._database.reading() as connection:
            due = await deliveries.due_lanes(connection, now)
            if now >= self._count_at:
                self._count_at = now + _COUNT
                self._metrics.notices_waiting(await deliveries.count_waiting(connection))
        for tenant, lane in sorted(due - self._lanes.keys()):
            session = hooks if lane == "hook" else gateway
            self._lanes[tenant, lane] = asyncio.create_task(self._work(tenant, lane, session))
        if now >= self._clean_at:
            self._clean_at = now + _CLEAN
            await self._speaker.clean(now)

    async def settle(self) -> None:
        """Wait until no lane is at work."""
        while self._lanes:
            await asyncio.wait(set(self._lanes.values()))

    async def _work(self, tenant: str, lane: str, session: aiohttp.ClientSession) -> None:
        """Carry what is due in one lane, the oldest first."""
        async with self._room[lane]:
            try:
                while (delivery := await self._claimed(tenant, lane)) is not None:
                    await self._carry(delivery, session)
            except (OperationalError, InterfaceError, OSError) as error:  # Its claim runs out, then it is taken again.
                log.warning("notices_failed", trouble="database", error=type(error).__name__)
            except Exception as failure:  # One lane must not stop the others.
                log.exception("notices_crashed", error=type(failure).__name__)
            finally:
                del self._lanes[tenant, lane]

    async def _claimed(self, tenant: str, lane: str) -> Delivery | None:
        now = self._now()
        async with self._database.writing() as connection:
            return await deliveries.claim(connection, tenant, lane, now=now, until=now + self._claim)

    async def _carry(self, delivery: Delivery, session: aiohttp.ClientSession) -> None:
        """Make one attempt, and write what came of it."""
        try:
            async with asyncio.timeout(_ATTEMPT_S):
                await self._attempt(delivery, session)
        except UnsubscribedError as no:
            await self._unsubscribe(delivery, str(no))
            return
        except KeyRefusedError as refused:
            await self._speaker.refused(delivery.tenant, self._now())
            await self._failed(delivery, str(refused))
            return
        except UndeliveredError as why:
            await self._failed(delivery, str(why))
            return
        except TimeoutError:
            await self._failed(delivery, "timed_out")
            return
        except (OperationalError, InterfaceError):
            raise
        except Exception as failure:  # One delivery must not stop the others.
            log.exception("notices_crashed", error=type(failure).__name__)
            await self._failed(delivery, "internal_error")
            return
        async with self._database.writing() as connection:
            await deliveries.delivered(connection, delivery, self._now())
        self._metrics.notice_delivered(delivery.lane)

    async def _attempt(self, delivery: Delivery, session: aiohttp.ClientSession) -> None:
        if delivery.lane == "im":
            key = await self._speaker.key(delivery.tenant, self._now())
            await send_instant(session, self._gateway_url, key, delivery)
            return
        async with self._database.reading() as connection:
            hook = await deliveries.hook_of(connection, delivery.tenant)
        if hook is None:
            raise UndeliveredError("no_hook")
        now_s = int(self._now().timestamp())
        await send_hook(session, hook.url, hook.secret, delivery, now_s=now_s, allow_loopback=self._allow_loopback)

    async def _failed(self, delivery: Delivery, fault: str) -> None:
        async with self._database.writing() as connection:
            now, draw = self._now(), self._draws.random()
            given_up = await deliveries.failed(connection, delivery, now, fault, draw=draw)
        if given_up:
            self._metrics.notices_given_up(delivery.lane, 1)
            log.warning("notice_given_up", trouble=delivery.lane, error=fault)

    async def _unsubscribe(self, delivery: Delivery, fault: str) -> None:
        """Take the hook away: it wants no more."""
        async with self._database.writing() as connection:
            dropped = await deliveries.drop_hook(connection, delivery.tenant, self._now(), fault, actor="notices")
        self._metrics.notices_given_up("hook", dropped)
        log.warning("notice_hook_unsubscribed", messages=dropped)
