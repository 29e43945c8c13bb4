"""Files that are written: they change nothing when they are read again, and a spreadsheet runs nothing of them."""

import csv
import io

import orjson
import pytest

from registry.bulk.columns import KINDS
from registry.bulk.export import export
from tests.registry.builders import a_user, trail
from tests.registry.bulk.builders import COMPANY, FIRST, FOREIGN, fill, records, run

NAMES = ("=1+1", "+12025550101", "-2", "@x", "\t=1", "'=1", 'Q"u,o\nte', " =1", "'tis", "Zoë")


async def written(database, kind, form, tenant="acme"):
    """A whole file."""
    return b"".join([some async for _, some in export(database, KINDS[kind], tenant, form)])


async def everything(database):
    """A company whose people have names that no spreadsheet should see bare."""
    await fill(database, [*COMPANY, *(a_user(f"n{place}", name=name) for place, name in enumerate(NAMES))])


class TestExport:
    @pytest.mark.parametrize("as_import", [False, True])
    @pytest.mark.parametrize("form", ["csv", "ndjson"])
    @pytest.mark.parametrize("kind", KINDS)
    async def test_reading_it_again_changes_nothing(self, database, tmp_path, kind, form, as_import):
        """As wishes, and as states."""
        await everything(database)
        before = await records(database), await trail(database)
        data = await written(database, kind, form)
        summary, report = await run(database, tmp_path / "file", data, kind, as_import=as_import)
        assert (summary.changed, summary.bad, report) == (0, 0, [])
        assert summary.rows > 0
        assert (await records(database), await trail(database)) == before

    @pytest.mark.parametrize("kind", KINDS)
    async def test_no_cell_is_a_formula(self, database, kind):
        """Every cell is quoted, and none begins as one."""
        await everything(database)
        text = (await written(database, kind, "csv")).decode()
        for row in csv.reader(io.StringIO(text, newline="")):
            risky = [cell for cell in row if cell.lstrip().startswith(("=", "+", "-", "@")) or cell[:1] in {"\t", "\r"}]
            assert risky == []
        assert text.startswith('"')

    async def test_it_is_the_companys_own(self, database):
        """No other's number."""
        await everything(database)
        dids = {orjson.loads(line)["did"] for line in (await written(database, "numbers", "ndjson")).splitlines()}
        assert FIRST in dids
        assert FOREIGN not in dids

    async def test_it_goes_page_by_page(self, database, monkeypatch):
        """Every row once."""
        monkeypatch.setattr("registry.bulk.export._PAGE", 2)
        await everything(database)
        lines = [orjson.loads(line)["did"] for line in (await written(database, "numbers", "ndjson")).splitlines()]
        assert lines == sorted(set(lines))
        assert len(lines) == 5
