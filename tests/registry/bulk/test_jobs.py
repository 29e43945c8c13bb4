"""Files that are run: cut off anywhere and gone on with, done again, changed, at once, and in bounded memory."""

import asyncio
import gc
import os
import sys
import tracemalloc

import orjson
import pytest
import sqlalchemy as sa

from registry.bulk import batches, jobs
from registry.bulk.jobs import BulkError, BulkOptions, run_file
from registry.bulk.reading import FileFaultError
from registry.database import Database
from registry.records import Assignment, Number, User
from registry.work_tables import bulk_jobs, provisioning_jobs
from tests.registry.builders import a_tenant, trail
from tests.registry.bulk.builders import FIRST, FRESH, an_office, fill, records, run
from tests.registry.dialects import only_sqlite


@pytest.fixture
def path(tmp_path):
    """Where the file is written."""
    return tmp_path / "file"


def people(count):
    """Rows of new people, every seventh of them bad."""
    return [{"id": "b:d" if place % 7 == 3 else f"u{place}", "name": f"Name {place}"} for place in range(count)]


async def job(database):
    """How far the one job is."""
    async with database.reading() as connection:
        row = (await connection.execute(sa.select(bulk_jobs))).one()
        return row.state, row.rows, row.changed, row.bad


class Cut(BaseException):
    """The process ends here."""


class TestCutOff:
    @pytest.mark.parametrize("place", range(4))
    @pytest.mark.parametrize("when", ["before the report", "after the report"])
    async def test_it_is_gone_on_with(self, databases, tmp_path, monkeypatch, place, when):
        """And ends as one run would have: rows, counts, and the report to the byte."""
        monkeypatch.setattr(batches, "BATCH", 10)
        add, left = jobs.ReportFile.add, []

        def cutting(report, written):
            nonlocal place
            if when == "after the report":
                add(report, written)
            place -= 1
            if place == -1:
                raise Cut
            if when == "before the report":
                add(report, written)

        for name in ("cut", "whole"):
            with databases.new(tmp_path / name) as settings:
                async with Database.opened(settings) as database:
                    await fill(database, [a_tenant()])
                    file = tmp_path / f"{name}.ndjson"
                    if name == "cut":
                        with monkeypatch.context() as patch:
                            patch.setattr(jobs.ReportFile, "add", cutting)
                            with pytest.raises(Cut):
                                await run(database, file, people(45), "users")
                        assert (await job(database))[0] == "running"
                    summary, report = await run(database, file, people(45), "users")
                    left.append((summary.rows, summary.bad, report, await records(database, User), await job(database)))
        assert left[0] == left[1]
        assert left[0][4] == ("done", 45, 39, 6)

    @pytest.mark.timeout(400)
    async def test_a_kill_is_no_more_than_that(self, database, settings, tmp_path):
        """SIGKILL as soon as something more is committed, twice, until a run gets through."""
        count = 4 * batches.BATCH
        file = tmp_path / "people.ndjson"
        file.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in people(count)))
        await fill(database, [a_tenant()])
        environment = os.environ | {"A2P_REGISTRY_DATABASE_URL": settings.sql_url()}
        command = ("-m", "registry", "bulk", "import", str(file), "--tenant", "acme", "--kind", "users")
        kills, ended = 0, None
        while ended is None:
            before = await self.rows(database)
            process = await asyncio.create_subprocess_exec(sys.executable, *command, env=environment)
            while kills < 2 and process.returncode is None and await self.rows(database) == before:  # noqa: ASYNC110 - another process does it
                await asyncio.sleep(0.005)
            if kills < 2 and process.returncode is None:
                process.kill()
                kills += 1
                await process.wait()
            else:
                ended = await process.wait()
        assert (ended, kills) == (1, 2)  # (done, with bad rows)
        bad = sum(1 for row in people(count) if ":" in row["id"])
        assert await job(database) == ("done", count, count - bad, bad)
        report = [
            orjson.loads(line) for line in file.with_name("people.ndjson.report.ndjson").read_bytes().splitlines()
        ]
        assert [line["row"] for line in report] == list(range(1, count + 1))
        assert len(await records(database, User)) == count - bad
        assert (await trail(database))[0] == count - bad + 1

    async def rows(self, database):
        """How many rows the job says are done."""
        async with database.reading() as connection:
            return await connection.scalar(sa.select(bulk_jobs.c.rows)) or 0


class TestAgain:
    async def test_a_file_that_was_done_is_done_again(self, database, path):
        """What an admin changed since is as the file has it, again."""
        await fill(database)
        rows = [{"did": FIRST, "enabled": "no"}]
        await run(database, path, rows)
        await run(database, path.with_name("other"), [{"did": FIRST, "enabled": "yes"}])
        summary, _ = await run(database, path, rows)
        assert (summary.rows, summary.changed, summary.resumed_after) == (1, 1, 0)

    async def test_a_changed_file_is_another_job(self, database, path):
        """By a single byte."""
        await fill(database)
        await run(database, path, [{"did": FIRST, "enabled": "no"}])
        await run(database, path, [{"did": FIRST, "enabled": "no"}, {"did": FRESH}])
        async with database.reading() as connection:
            assert await connection.scalar(sa.select(sa.func.count()).select_from(bulk_jobs)) == 2

    async def test_one_at_a_time_gets_further(self, database, path, monkeypatch):
        """The other one is told, and has written nothing twice."""
        await fill(database)
        begin = jobs._begin

        async def late(*given):
            begun = await begin(*given)
            monkeypatch.setattr(jobs, "_begin", begin)
            await run(database, path, people(5), "users")  # (another process, quicker)
            return begun

        monkeypatch.setattr(jobs, "_begin", late)
        with pytest.raises(BulkError, match="somebody else"):
            await run(database, path, people(5), "users")
        assert await job(database) == ("done", 5, 4, 1)

    async def test_a_file_that_changes_meanwhile_is_refused(self, database, path, monkeypatch):
        """What was read may be half of one and half of the other."""
        await fill(database)
        digest = jobs._digest

        def then_changed(file):
            found = digest(file)
            file.write_bytes(file.read_bytes() + b'{"id":"late","name":"L"}\n')
            return found

        monkeypatch.setattr(jobs, "_digest", then_changed)
        with pytest.raises(BulkError, match="changed while"):
            await run(database, path, people(3), "users")

    async def test_a_company_that_is_not_there_is_refused(self, database, path):
        """Before anything is read."""
        with pytest.raises(BulkError, match="no company"):
            await run(database, path, people(1), "users", office=an_office())

    async def test_a_file_that_cannot_be_read_changes_nothing(self, database, path):
        """A header that nobody knows."""
        await fill(database)
        before = await trail(database)
        with pytest.raises(FileFaultError):
            await run(database, path, b"did,colour\n+12025550101,red\n")
        assert await trail(database) == before


class TestAhead:
    async def test_a_batch_that_cannot_be_written_ends_the_run(self, database, path, monkeypatch):
        """The next one, which is being read by then, is given up, and garbage is looked for as before."""
        await fill(database)
        before = gc.get_threshold()

        monkeypatch.setattr(jobs, "_GARBAGE", before[0] + 1)

        async def fails(*_):
            assert gc.get_threshold() == (before[0] + 1, *before[1:])
            await asyncio.sleep(0)
            raise ConnectionError

        monkeypatch.setattr(batches, "BATCH", 2)
        monkeypatch.setattr(batches, "_change", fails)
        with pytest.raises(ConnectionError):
            await run(database, path, people(7), "users")
        assert await job(database) == ("running", 0, 0, 0)
        assert gc.get_threshold() == before
        assert asyncio.all_tasks() == {asyncio.current_task()}

    async def test_what_is_wrong_further_on_does_not_undo_what_was_read(self, database, path, monkeypatch):
        """The batch that was being written when it was found is done."""
        await fill(database)
        digest = jobs._digest

        def then_changed(file):
            found = digest(file)
            file.write_bytes(file.read_bytes().replace(b"Name 1", b"Name X"))
            return found

        monkeypatch.setattr(batches, "BATCH", 2)
        monkeypatch.setattr(jobs, "_digest", then_changed)
        with pytest.raises(BulkError, match="changed while"):
            await run(database, path, people(3), "users")
        assert await job(database) == ("running", 3, 3, 0)


class TestSize:
    @only_sqlite
    async def test_memory_does_not_grow_with_the_file(self, database, path):
        """Five times the rows, much the same peak: rows are read, judged and reported a batch at a time."""
        await fill(database, [a_tenant()])
        peaks = []
        for count in (8_000, 40_000):
            path.write_bytes(b"did\n" + b"x\n" * count)
            options = BulkOptions(file=path, kind="numbers", tenant="acme", report=path.with_name("report"))
            tracemalloc.start()
            summary = await run_file(database, an_office(), options, lambda *_: None)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            assert summary.bad == count
        assert peaks[1] < 1.5 * peaks[0]


class TestAsImport:
    async def test_states_are_taken_as_they_are(self, database, path):
        """Impossible ones, too: they are drift, and for others to see."""
        await fill(database)
        rows = [
            {
                "did": FRESH,
                "user": "ben",
                "sms": "enabled",
                "assignment": "assigned",
                "campaign_id": "COFF",
                "brand_id": "BACME",
            },
            {"did": "+12025550188", "user": "low", "kind": "local", "sms": "enabled"},
        ]
        summary, _ = await run(database, path, rows, as_import=True)
        assert (summary.changed, summary.bad) == (2, 0)
        found = await records(database, Number, Assignment)
        enabled = [one.did for one in found if isinstance(one, Number) and (one.user, one.sms) == ("ben", "enabled")]
        assert enabled == [FIRST, FRESH]
        assert ("COFF", "assigned") in {(one.campaign_id, one.state) for one in found if isinstance(one, Assignment)}
        async with database.reading() as connection:
            assert (await connection.execute(sa.select(provisioning_jobs))).all() == []
        before = await trail(database)
        assert (await run(database, path, rows, as_import=True))[0].changed == 0
        assert await trail(database) == before

    async def test_another_companys_number_is_never_moved(self, database, path):
        """It is not found, as in a list of one's own."""
        await fill(database)
        before = await records(database)
        rows = [
            {"did": "+12025550106", "sms": "disabled"},
            {"did": FRESH, "campaign_id": "CSOLO", "assignment": "assigned"},
        ]
        summary, report = await run(database, path, rows, as_import=True)
        assert summary.bad == 2
        assert report[0]["faults"][0]["code"] == "not_found"
        assert await records(database) == before
