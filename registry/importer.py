"""Imports a company file: reads it, writes what is new or different, mints keys, hands over the opt-outs, and reports.

Good rows are imported whatever the others are like, and the report names each bad one. Everything goes through the same
change() as any other command, a batch of rows a transaction: an import that is cut off has imported some batches whole,
and the next one does the rest. A file that was imported already changes nothing.

States are kept as they are given, impossible ones too (two numbers of a person that can text); drift/ lists those.

Not here: what a good row is (company.py), what a file says nothing about (keeping.py), keys (credentials.py), opt-outs
(opt_outs.py), what the terminal shows (__main__.py).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry import many
from registry.commands import RowName, change
from registry.company import Company, Entry, load_known, read_company
from registry.credentials import ensure_keys, read_credentials
from registry.database import Database
from registry.keeping import keep, left, what_is_there
from registry.opt_outs import Gateway, send_opt_outs
from registry.people.keys import narrowed
from registry.records import Extension, Record, Tenant, User
from registry.rows import BadRow
from registry.tables import extensions

#: Who changed it, for the audit.
ACTOR: Final = "import"
#: Rows a transaction: few enough that other writers do not wait long, enough that a commit costs little.
_BATCH: Final = 1_000

#: Called with a kind of row, how many more are done, and how many there are.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """What one import is asked to do."""

    file: Path
    #: Where to leave API keys; None mints none.
    credentials: Path | None = None
    #: Where opt-outs go; None leaves them out.
    gateway_url: str | None = None
    #: How long to wait for the gateway, in seconds.
    wait_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an import did."""

    #: Good rows by kind, as the file has them.
    rows: Counter[str]
    #: Database rows that were created, changed or removed, by kind.
    changes: Counter[str]
    #: Opt-outs of the file that the gateway has; None when they were left out.
    opt_outs_stored: int | None
    #: Rows that were not imported.
    bad: list[BadRow]
    #: Fields that were not read, as kind[].field, with how often they were there.
    left_out: Counter[str]
    #: How many API keys are new in the credentials file.
    keys_minted: int
    #: Good rows by kind that were left alone because what they are about has left.
    left_alone: Counter[str]


async def import_company(database: Database, options: ImportOptions, progress: Progress) -> Report:
    """Import a file.

    CompanyFileError when it is not a company file, CredentialsFileError when the credentials file is something else:
    then nothing was changed. OSError when a file cannot be read or written.
    """
    if options.credentials is not None:
        read_credentials(options.credentials)  # Before anything is changed: it may refuse.
    async with database.reading() as connection:
        known = await load_known(connection)
    company = read_company(options.file.read_bytes(), known)
    changes, left_alone = Counter[str](), Counter[str]()
    for kind, entries in company.entries.items():
        changes[kind], alone = await _write(database, kind, entries, progress)
        left_alone.update({kind: alone} if alone else {})
    minted, keys = await _mint(database, company, options.credentials)
    unsent: list[BadRow] = []
    if options.gateway_url is not None:
        unsent = await send_opt_outs(
            database,
            company.opt_outs,
            Gateway(url=options.gateway_url, wait_s=options.wait_s, keys=keys),
            actor=ACTOR,
            progress=lambda done: progress("opt_outs", done, len(company.opt_outs)),
        )
    return Report(
        rows=Counter({kind: len(entries) for kind, entries in company.entries.items()}),
        changes=changes,
        opt_outs_stored=len(company.opt_outs) - len(unsent) if options.gateway_url is not None else None,
        bad=company.bad + unsent,
        left_out=company.left_out,
        keys_minted=minted,
        left_alone=left_alone,
    )


async def _write(database: Database, kind: str, entries: list[Entry], progress: Progress) -> tuple[int, int]:
    """Write the good rows of one kind; returns how many database rows differ from before, and rows left alone."""
    changed = alone = 0
    for start in range(0, len(entries), _BATCH):
        some = entries[start : start + _BATCH]
        async with database.writing() as connection:
            await many.by_keys(connection)
            there = await what_is_there(connection, (record for entry in some for record in entry.put))
            here = [entry for entry in some if not left(there, entry.put)]
            now = datetime.now(UTC)
            put = [record for entry in here for record in keep(there, entry.put, now)]
            put += await narrowed(connection, [record for record in put if isinstance(record, User)], now)
            remove = [name for entry in here for name in entry.remove] + await _left_extensions(connection, put)
            changed += await change(connection, actor=ACTOR, put=put, remove=remove)
        alone += len(some) - len(here)
        progress(kind, len(some), len(entries))
    return changed, alone


async def _left_extensions(connection: AsyncConnection, records: Iterable[Record]) -> list[RowName]:
    """Name the extensions that the users among the records have now; those that they keep are among the records too."""
    users = [record.id for record in records if isinstance(record, User)]
    held = await connection.execute(
        sa.select(extensions.c.tenant, extensions.c.digits).where(extensions.c.user.in_(users)),
    )
    return [(Extension, (tenant, digits)) for tenant, digits in held]


async def _mint(database: Database, company: Company, path: Path | None) -> tuple[int, Mapping[str, str]]:
    """Give every tenant and user of the file a key; returns how many are new, and the tenants' keys."""
    if path is None:
        return 0, {}
    records = [record for entries in company.entries.values() for entry in entries for record in entry.put]
    tenants = [record.id for record in records if isinstance(record, Tenant)]
    people = [record for record in records if isinstance(record, User)]
    async with database.writing() as connection:
        there = await what_is_there(connection, people)
        minted = await ensure_keys(
            connection,
            path,
            actor=ACTOR,
            tenants=tenants,
            users={user.id: user.tenant for user in people if not left(there, [user])},
        )
    keys = read_credentials(path).api_keys
    return minted, {tenant: keys[tenant] for tenant in tenants}  # (the file may hold others, good or not)
