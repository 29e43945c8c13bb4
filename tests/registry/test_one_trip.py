"""SQLite's driver with one trip a statement says what aiosqlite says, however many rows there are."""

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from registry import one_trip

COUNTS = (0, 1, 999, 1_000, 1_001, 2_500)
ROWS = sa.text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n LIMIT :count")


@pytest.fixture
async def engine(tmp_path):
    """An engine on a file, as the registry's is."""
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{tmp_path / 'one.db'}", connect_args={"async_creator_fn": one_trip.connect}
    )
    yield engine
    await engine.dispose()


@pytest.mark.parametrize("count", COUNTS)
async def test_all_rows_come_in_order(engine, count):
    """Fewer than come with the execution, as many, and more."""
    async with engine.connect() as connection:
        rows = (await connection.execute(ROWS, {"count": count})).scalars().all()
    assert rows == list(range(1, count + 1))


@pytest.mark.parametrize("count", COUNTS)
async def test_a_stream_gives_all_rows(engine, count):
    """In portions, of which the first came with the execution."""
    async with engine.connect() as connection:
        rows = [row.i async for row in await connection.stream(ROWS, {"count": count})]
    assert rows == list(range(1, count + 1))


async def test_a_stream_that_is_left_holds_nothing(engine):
    """What comes after it can write."""
    async with engine.begin() as connection:
        stream = await connection.stream(ROWS, {"count": 5_000})
        assert await stream.fetchone() == (1,)
        assert await stream.fetchmany(3) == [(2,), (3,), (4,)]
        await stream.close()
        await connection.execute(sa.text("CREATE TABLE t (i INTEGER PRIMARY KEY)"))
    async with engine.connect() as connection:
        assert (await connection.execute(sa.text("SELECT count(*) FROM t"))).scalar() == 0


async def test_writes_say_what_they_did(engine):
    """How many rows, what was returned, and what is wrong; the connection is good afterwards."""
    insert = sa.text("INSERT INTO t VALUES (:i)")
    async with engine.connect() as connection:
        await connection.execute(sa.text("CREATE TABLE t (i INTEGER PRIMARY KEY)"))
        await connection.execute(insert, [{"i": i} for i in range(10)])
        assert (await connection.execute(sa.text("UPDATE t SET i = i + 100 WHERE i < 4"))).rowcount == 4
        returned = await connection.execute(sa.text("DELETE FROM t WHERE i > 99 RETURNING i"))
        assert sorted(returned.scalars()) == [100, 101, 102, 103]
        with pytest.raises(IntegrityError):
            await connection.execute(insert, {"i": 9})
        assert (await connection.execute(sa.text("SELECT count(*) FROM t"))).scalar() == 6


async def test_a_statement_is_one_trip(engine):
    """The thread of the connection is asked once: to execute and to fetch."""
    async with engine.connect() as connection:
        await connection.execute(sa.text("SELECT 1"))
        driver = (await connection.get_raw_connection()).driver_connection
        trips = []
        execute = driver._execute

        async def counted(*given):
            trips.append(given)
            return await execute(*given)

        driver._execute = counted
        assert (await connection.execute(ROWS, {"count": 500})).scalars().all()[-1] == 500
        assert len(trips) == 1
