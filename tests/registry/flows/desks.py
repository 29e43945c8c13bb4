"""A desk to work at, and a company that can text."""

import contextlib
from datetime import UTC, datetime

from registry.commands import change, find
from registry.flows.desk import Desk, Limits
from registry.records import Assignment, Number
from tests.registry.builders import a_brand, a_campaign, a_number, a_tenant, a_user, an_assignment

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)


@contextlib.asynccontextmanager
async def at_desk(database, tenant="acme", limit=49, now=NOW, **who):
    """Work in one transaction."""
    async with database.writing() as connection:
        limits = Limits(numbers_per_campaign=limit)
        yield Desk(connection=connection, tenant=tenant, actor="test", now=now, limits=limits, **who)


def a_did(number):
    """The number-th number of acme's."""
    return f"+1202556{number:04}"


def new_number(did, user="ben", **fields):
    """A number that never could text."""
    return a_number(did, user=user, sms="disabled", sms_enabled_at=None, **fields)


async def fill(database, *records):
    """Put records into the database; without any, a company without numbers that is VERIFIED."""
    async with database.writing() as connection:
        await change(
            connection, actor="test", put=records or [a_tenant(), a_user(), a_user("ann"), a_brand(), a_campaign()]
        )


async def company(database, *records):
    """A company that is VERIFIED, and more records."""
    await fill(database)
    await fill(database, *records)


async def full_campaign(database, count, **fields):
    """A campaign with so many numbers in it."""
    await fill(database)
    dids = [a_did(n) for n in range(count)]
    await fill(
        database,
        a_campaign(**fields),
        *(new_number(did, user=None) for did in dids),
        *(an_assignment(did) for did in dids),
    )


async def number(database, did):
    """A number and its assignment as they are."""
    async with database.reading() as connection:
        numbers = await find(connection, Number, {(did,)})
        links = await find(connection, Assignment, {(did,)})
    return numbers[did,], links.get((did,))
