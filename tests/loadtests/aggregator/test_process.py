"""The process: how it says that it is ready, what it refuses, and how it ends."""

import asyncio
import contextlib
import re
import signal
import sys
from urllib.request import urlopen

import pytest

from loadtests.aggregator.settings import Settings
from loadtests.emulator import BadSettingsError

_PATIENCE_S = 30


@contextlib.asynccontextmanager
async def process(*arguments):
    """Start the emulator as a child; it is killed if a test leaves it running."""
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtests.aggregator", "--port", "0", *arguments, stdin=pipe, stdout=pipe, stderr=pipe
    )
    try:
        async with asyncio.timeout(_PATIENCE_S):
            yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()


def _end_of_stdin(child):
    child.stdin.close()


@pytest.mark.parametrize(
    "end",
    [_end_of_stdin, lambda child: child.send_signal(signal.SIGTERM), lambda child: child.send_signal(signal.SIGINT)],
    ids=["end of stdin", "SIGTERM", "SIGINT"],
)
async def test_it_says_where_it_is_and_ends_gracefully(end):
    """One line with the address when it is ready; at the end status 0, and nothing on stderr."""
    async with process("--supervised") as child:
        line = (await child.stdout.readline()).decode()
        url = re.search(r"http://127\.0\.0\.1:\d+", line)[0]
        with await asyncio.to_thread(urlopen, f"{url}/healthz") as answer:
            assert answer.status == 200
        end(child)
        out, err = await child.communicate()

    assert (child.returncode, out, err) == (0, b"", b"")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--secret", "nope"], "secret"),
        (["--company", "missing.json"], "missing.json"),
        (["--state", "/missing/numbers.ndjson"], "/missing/numbers.ndjson"),
        (["--campaign-numbers", "0"], "campaign_numbers_max"),
    ],
)
async def test_it_does_not_start_with_what_cannot_work(arguments, named):
    """One line that names the setting, and a status that is not 0."""
    async with process(*arguments) as child:
        out, err = await child.communicate()

    assert child.returncode != 0
    assert out == b""
    assert len(err.splitlines()) == 1
    assert named in err.decode()


async def test_supervised_wants_a_pipe():
    """A stdin that cannot end would leave the emulator behind when its supervisor dies."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loadtests.aggregator", "--port", "0", "--supervised"),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await child.communicate()

    assert child.returncode != 0
    assert "supervised" in err.decode()


async def test_help_teaches():
    """Examples of an addition, of rules, and where to look."""
    async with process("--help") as child:
        out, _ = await child.communicate()

    for part in ("curl", "/control/rules", "cut_after", "/control/calls", "--scale"):
        assert part in out.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": ""},
        {"secret": "whsec_"},
        {"secret": "whsec_%%%"},
        {"attempts_max": 0},
        {"scale": -1},
        {"add_s": -1},
        {"writes_per_s": 0},
    ],
)
def test_settings_that_contradict_themselves_are_named(wrong):
    """check() names the setting."""
    with pytest.raises(BadSettingsError, match=f"^{next(iter(wrong))}:"):
        Settings(**wrong).check()
