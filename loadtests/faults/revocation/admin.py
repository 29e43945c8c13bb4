"""Takes numbers' registrations away and gives them back, through the registry's admin API, and notes when.

Whatever happens to the registry, each call is repeated until it is answered: repeating it is safe. When a change was
committed is read from the audit, because an answer can be lost and comes later.

Not here: when which number is flipped (rounds.py), what follows from it (flips.py).
"""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import aiohttp
import orjson

from loadtests.company import CAMPAIGN
from loadtests.faults.revocation.flips import Flip, Mode, S

#: Longer than the registry keeps a caller waiting, and than it is frozen.
TIMEOUT: Final = aiohttp.ClientTimeout(total=15.0, sock_connect=1.0)
_AGAIN_S: Final = 0.1
#: A change that nobody answers for so long is given up.
_PATIENCE_S: Final = 60.0
#: From the commit to the give-back: beyond the bound, so that what breaks it is seen.
_HELD_S: Final = 6.5
#: From the effective answer to the give-back: beyond check-to-write.
_AFTER_ANSWER_S: Final = 0.75
_TAKE: Final = {"assignment": None}
_GIVE: Final = {"assignment": {"campaign_id": CAMPAIGN}}
_AUDIT: Final = (
    "SELECT at FROM audit WHERE kind = 'assignments' AND action = 'removed' AND row_key = ? ORDER BY id DESC LIMIT 1"
)


class UnansweredError(Exception):
    """The registry did not do what it was asked for; the message says what it said last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admin:
    """An admin of the company."""

    session: aiohttp.ClientSession
    #: Where the registry's API is, and the key for it.
    port: int
    key: str
    #: The registry's SQLite file, or the URL of its PostgreSQL; only read.
    database: Path | str

    async def flip(self, did: str, *, mode: Mode, round_name: str) -> Flip:
        """Take a number's assignment, wait until that is effective and beyond the bound, and ask for it back.

        UnansweredError when the registry does not do it, or did not do it now.
        """
        sent_ns = time.time_ns()
        change = await self._patch(did, _TAKE, effective=True)
        answered_ns = time.time_ns()
        if isinstance(self.database, Path):
            committed_ns = await asyncio.to_thread(read_commit, self.database, did)
        else:
            committed_ns = await ask_commit(self.database, did)
        if committed_ns is None or committed_ns < sent_ns:
            raise UnansweredError("a number had no assignment before it was taken")
        restore_ns = max(committed_ns + int(_HELD_S * S), answered_ns + int(_AFTER_ANSWER_S * S))
        await asyncio.sleep(max(0.0, (restore_ns - time.time_ns()) / S))
        return Flip(
            did=did,
            mode=mode,
            round=round_name,
            sent_ns=sent_ns,
            committed_ns=committed_ns,
            answered_ns=answered_ns,
            by=change["by"],
            restored_ns=time.time_ns(),
        )

    async def give_back(self, did: str) -> None:
        """Assign a number again; UnansweredError when the registry does not do it."""
        await self._patch(did, _GIVE, effective=False)

    async def _patch(self, did: str, body: Mapping[str, Any], *, effective: bool) -> dict[str, Any]:
        """Ask until the change is committed, or until it is effective; what the registry says of it."""
        url = f"http://127.0.0.1:{self.port}/v1/numbers/{did}"
        headers = {"Authorization": f"Bearer {self.key}", "If-Match": "*"}
        deadline = time.monotonic() + _PATIENCE_S
        said = ""
        while time.monotonic() < deadline:
            with contextlib.suppress(aiohttp.ClientError, OSError, orjson.JSONDecodeError):
                async with self.session.patch(url, json=body, headers=headers, timeout=TIMEOUT) as response:
                    answer = orjson.loads(await response.read())
                    said = f"{response.status} {answer.get('code', '')}"
                    if response.ok and (answer["change"]["effective"] or not effective):
                        return dict(answer["change"])
            await asyncio.sleep(_AGAIN_S)
        raise UnansweredError(f"the registry did not change a number; it last said: {said or 'nothing'}")


def read_commit(database: Path, did: str) -> int | None:
    """Return when a number's assignment was last removed, by the audit: wall clock, ns; None when it never was."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as connection:
        row = connection.execute(_AUDIT, (orjson.dumps([did]).decode(),)).fetchone()
    return None if row is None else _ns(datetime.fromisoformat(row[0]).replace(tzinfo=UTC))


async def ask_commit(url: str, did: str) -> int | None:
    """Return the same from PostgreSQL, as somebody who may see every company's rows."""
    import asyncpg  # type: ignore[import-untyped]  # noqa: PLC0415 - heavy, and PostgreSQL's alone

    dsn = url.replace("+asyncpg", "", 1)
    connection = await asyncpg.connect(dsn, server_settings={"a2p.tenant": ":all"})
    try:
        at = await connection.fetchval(_AUDIT.replace("?", "$1"), orjson.dumps([did]).decode())
    finally:
        await connection.close()
    return None if at is None else _ns(at)


def _ns(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1_000
