"""a2p-gateway canary: what keeps it from starting is said in a sentence, and it ends when it is told to."""

import asyncio
import os
import sys

import orjson
import pytest
from aiohttp.test_utils import unused_port
from typer.testing import CliRunner

from gateway.__main__ import app

KEYS = {"api_keys": {"acme": "a2p_x_secretsecret"}, "user_keys": {}, "admin_keys": {"acme": "a2p_y_secretsecret"}}
PART = ["--tenant", "acme", "--number", "+12125550119", "--campaign", "C1", "--to", "+16465550151"]


def keys_file(folder, content):
    """A credentials file."""
    file = folder / "keys.json"
    file.write_bytes(content if isinstance(content, bytes) else orjson.dumps(content))
    return str(file)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"secret-key", "not JSON"),
        ({"user_keys": {}}, "api_keys"),
        (KEYS | {"admin_keys": {"acme": 5}}, "admin_keys"),
        (KEYS | {"admin_keys": {"other": "a2p_y_secretsecret"}}, "import the company again"),
        ({name: KEYS[name] for name in ("api_keys", "user_keys")}, "import the company again"),
        (KEYS | {"api_keys": {}}, "import the company again"),
    ],
)
def test_a_file_without_the_keys_is_refused(tmp_path, content, words):
    """Exit status 1, and no key on the screen."""
    result = CliRunner().invoke(app, ["canary", "--credentials", keys_file(tmp_path, content), *PART])

    assert result.exit_code == 1
    assert words in result.stderr
    assert "secret" not in result.output.replace("secret-key", "")


async def test_it_outlives_what_is_away_and_ends_with_its_supervisor(tmp_path):
    """Nobody answers: that is logged, and is no reason to end; the end of its input is."""
    nobody = f"http://127.0.0.1:{unused_port()}"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "canary", "--credentials", keys_file(tmp_path, KEYS), *PART),
        *("--url", nobody, "--registry", nobody, "--every-s", "0.1", "--admin-port", "0", "--supervised"),
        env=os.environ,
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(100):
        for _ in range(4):
            assert b"canary_failed" in await process.stderr.readline()
        process.stdin.close()
        rest = await process.stderr.read()
        assert await process.wait() == 0
    assert b"Traceback" not in rest
