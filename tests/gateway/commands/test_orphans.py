"""The list of texts to numbers that nobody has."""

import asyncio

import orjson
import pytest
from typer.testing import CliRunner

from compliance.inbound import Meaning
from gateway import received
from gateway.__main__ import app
from gateway.received import Received


async def orphans(*options):
    """Run the command beside the store, which lives in this thread's loop."""
    return await asyncio.to_thread(CliRunner().invoke, app, ["orphans", *options], catch_exceptions=False)


async def keep(store, turn):
    """Have a text kept."""
    text = Received(f"in-{turn}", "zeta", "+14155550143", f"+1202555011{turn}", f"Hi {turn}", (), turn, Meaning.NONE)
    await store.keep_orphan(text.id, received.dump(text))


async def test_without_any_it_says_so(store, valkey):
    """An empty table would be no answer."""
    result = await orphans("--queue-url", valkey.url)

    assert (result.exit_code, "no orphans" in result.stdout) == (0, True)
    assert await store.orphans(after="", limit=9) == []


async def test_the_newest_come_first(store, valkey):
    """With whose number was meant; who wrote, and what, only where it is asked for."""
    for turn in range(3):
        await keep(store, turn)

    shown = (await orphans("--queue-url", valkey.url, "--json", "--most", "2")).stdout
    rows = [orjson.loads(line) for line in shown.splitlines()]
    assert [row["to"] for row in rows] == ["+12025550112", "+12025550111"]
    assert {row["from"] for row in rows} == {"+1 415 ••• 0143"}
    assert "Hi" not in shown
    whole = (await orphans("--queue-url", valkey.url, "--json", "--texts")).stdout
    assert [orjson.loads(line)["text"] for line in whole.splitlines()] == ["Hi 2", "Hi 1", "Hi 0"]
    assert "zeta" in (await orphans("--queue-url", valkey.url)).stdout


@pytest.mark.parametrize("options", [["--queue-url", "unix:///nobody.sock"], ["--data-dir", "/nowhere"]])
async def test_a_store_that_cannot_be_read(options):
    """Exit status 2, with a sentence."""
    result = await orphans(*options)

    assert result.exit_code == 2
    assert "cannot be read" in result.output
