"""The process: how it says that it is ready, what it refuses, and how it ends."""

import asyncio
import contextlib
import json
import re
import signal
import sys
from urllib.request import urlopen

import pytest

_PATIENCE_S = 60


@contextlib.asynccontextmanager
async def process(*arguments):
    """Start the emulator as a child; it is killed if a test leaves it running."""
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtests.tcr", "--port", "0", *arguments, stdin=pipe, stdout=pipe, stderr=pipe
    )
    try:
        async with asyncio.timeout(_PATIENCE_S):
            yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()


@pytest.mark.parametrize(
    "end",
    [lambda child: child.stdin.close(), lambda child: child.send_signal(signal.SIGTERM)],
    ids=["end of stdin", "SIGTERM"],
)
async def test_it_says_where_it_is_and_ends_gracefully(tmp_path, end):
    """One line with the address when it is ready; at the end status 0, nothing on stderr, and the state in its file."""
    state = tmp_path / "tcr.json"
    async with process("--supervised", "--state", str(state)) as child:
        line = (await child.stdout.readline()).decode()
        url = re.search(r"http://127\.0\.0\.1:\d+", line)[0]
        with await asyncio.to_thread(urlopen, f"{url}/healthz") as answer:
            assert answer.status == 200
        end(child)
        out, err = await child.communicate()

    assert (child.returncode, out, err) == (0, b"", b"")
    assert json.loads(state.read_text())["version"] == 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--secret", ""], "secret"),
        (["--brand-seconds", "-1"], "brand_s"),
        (["--hook-url", "nowhere"], "hook_url"),
        (["--state", "/missing/tcr.json"], "/missing/tcr"),
        (["--state", "README.md"], "README.md"),
        (["--company", "README.md"], "README.md"),
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
