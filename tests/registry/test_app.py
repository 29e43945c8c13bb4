"""`a2p-registry` as a whole: in one process, and as the command that operators run."""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import sys
from pathlib import Path

import aiohttp
import orjson
import pytest
import structlog
from redis.asyncio import Redis
from typer.testing import CliRunner

import registry.app
from loadtests.ports import free_port
from registry.__main__ import app
from registry.app import running
from registry.people.user_tokens import TokenSigner
from registry.store import Mark, RegistryStore
from tests.registry.builders import a_company, eventually, everything, import_file, stored

ROOT = Path(__file__).parents[2]


async def get(port, path, method="GET"):
    """Ask; gives status and body."""
    async with aiohttp.ClientSession() as session, session.request(method, f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, await answer.text()


@pytest.fixture
def served(settings, valkey_server):
    """Settings of a registry with both stores."""
    return settings.model_copy(update={"registry_url": valkey_server.url})


class TestRunning:
    async def test_an_import_beside_it_reaches_the_store(self, served, database, redis, tmp_path):
        """Both work on the same file at once."""
        async with running(served):
            await import_file(database, tmp_path / "company.json", a_company())

            async def equal():
                kept = await stored(redis)
                return kept == await everything(database) and any(":jwk:" in key for key in kept)

            await eventually(equal)
        found = await stored(redis)
        assert len([key for key in found if ":jwk:" not in key]) == 14
        assert len([key for key in found if ":jwk:" in key]) == 1  # Its own key for users' tokens.

    async def test_the_admin_port_says_how_it_is(self, served, redis):
        """Ready once the copy is kept; counted meanwhile."""
        async with running(served) as registry:

            async def ready():
                return await get(registry.admin_port, "/readyz") == (200, "ok")

            await eventually(ready)
            assert await get(registry.admin_port, "/healthz") == (200, "ok")
            assert "registry_heartbeats_total" in (await get(registry.admin_port, "/metrics"))[1]

    async def test_not_ready_says_why(self, settings):
        """A store that is not there: it lives, and waits."""
        url = f"redis://127.0.0.1:{free_port()}/0"
        lonely = settings.model_copy(update={"registry_url": url})
        async with running(lonely) as registry:

            async def said():
                return await get(registry.admin_port, "/readyz") == (503, "store")

            await eventually(said)
            assert await get(registry.admin_port, "/healthz") == (200, "ok")

    async def test_nobody_is_sent_where_nobody_listens_yet(self, served, redis, monkeypatch):
        """However long the listener takes, and though the copy is kept already."""
        admin_port, said = free_port(), []

        @contextlib.asynccontextmanager
        async def slow(*given, really=registry.app._serve_http):
            async def beats():
                return "registry_heartbeats_total 0.0" not in (await get(admin_port, "/metrics"))[1]

            await eventually(beats)
            said.append(await get(admin_port, "/readyz"))
            async with really(*given) as port:
                yield port

        monkeypatch.setattr(registry.app, "_serve_http", slow)
        async with running(served.model_copy(update={"admin_port": admin_port})):
            pass

        assert said == [(503, "starting")]

    async def test_nobody_is_sent_where_nobody_can_sign_in_yet(self, served, redis, monkeypatch):
        """Ready means that users' tokens can be signed; what is no fault of the copy's is not called one."""
        del redis
        may = asyncio.Event()

        async def late(self, *, really=TokenSigner.renew):
            await may.wait()
            await really(self)

        monkeypatch.setattr(TokenSigner, "renew", late)
        async with running(served) as registry:

            async def beats():
                return "registry_heartbeats_total 0.0" not in (await get(registry.admin_port, "/metrics"))[1]

            async def ready():
                return await get(registry.admin_port, "/readyz") == (200, "ok")

            await eventually(beats)
            before = await get(registry.admin_port, "/readyz")
            may.set()
            await eventually(ready)
        assert before == (503, "starting")

    async def test_what_was_answered_is_counted(self, served, redis):
        """A refusal, a page that leads elsewhere, and what is none of ours; never a path."""
        del redis
        async with running(served) as registry:
            for path in ("/v1/numbers", "/console", "/wp-login.php"):
                await get(registry.http_port, path)
            told = (await get(registry.admin_port, "/metrics"))[1]

        for route, status, times in (
            ("v1", "4xx", 1),
            ("console", "3xx", 1),
            ("console", "2xx", 1),
            ("other", "4xx", 1),
        ):
            assert f'registry_http_requests_total{{route="{route}",status="{status}"}} {times}.0' in told
        assert "wp-login" not in told

    async def test_the_http_port_answers_in_json(self, served, redis):
        """Whatever is asked; and tells nothing about the inside."""
        async with running(served) as registry:
            assert await get(registry.http_port, "/") == (200, '{"service":"a2p-registry"}')
            for path, method in (("/v1/nothing", "GET"), ("/metrics", "GET"), ("/", "POST"), ("/a/../b", "DELETE")):
                status, body = await get(registry.http_port, path, method)
                assert (status, json.loads(body)["code"]) == (404, "not_found") or status == 405


def run(*args, **variables):
    """Run a command to its end, in this process; gives exit status, output and errors."""
    result = CliRunner().invoke(app, [str(arg) for arg in args], env=variables)
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def _own_logging():
    """Leave no trace of how a command in this process logs."""
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("_own_logging")
class TestCommand:
    def test_help_names_every_command(self):
        """And the settings behind the options."""
        status, out, _ = run("--help")

        assert status == 0
        assert all(word in out for word in ("serve", "import", "rebuild", "A2P_REGISTRY_"))

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("serve", ["--registry-url", "--supervised", "stale within 3 seconds"]),
            ("import", ["--credentials", "--gateway-url", "--wait", "--skip-opt-outs", "changes nothing"]),
            ("rebuild", ["--registry-url", "older copy"]),
        ],
    )
    def test_help_of_a_command_says_what_it_does(self, name, words):
        """Good enough to learn from."""
        status, out, _ = run(name, "--help")
        text = " ".join(out.split())

        assert (status, [word for word in words if word not in text]) == (0, [])

    def test_import_reports_and_ends_with_1_if_a_row_was_bad(self, tmp_path):
        """The place, the field and what to do on standard error; no number, no bars where nobody looks."""
        company = a_company()
        company["numbers"][1]["did"] = "202-555-0102"
        (tmp_path / "company.json").write_bytes(orjson.dumps(company))
        status, out, err = run(
            "import", tmp_path / "company.json", "--skip-opt-outs", A2P_REGISTRY_DATA_DIR=str(tmp_path / "data")
        )

        assert status == 1
        assert "users: 3 good, 6 database rows changed" in out
        assert err.splitlines() == [
            "numbers[1].did: must be a US or Canadian number in E.164, such as +12025550123",
            "1 row was not imported: correct it and import again.",
        ]

    def test_import_again_changes_nothing_and_ends_with_0(self, tmp_path):
        """As from a timer."""
        (tmp_path / "company.json").write_bytes(orjson.dumps(a_company()))
        args = ("import", tmp_path / "company.json", "--skip-opt-outs", "--data-dir", tmp_path / "data")
        run(*args)
        status, out, err = run(*args)

        assert (status, err) == (0, "")
        assert {line.rpartition(", ")[2] for line in out.splitlines()} == {"0 database rows changed"}

    @pytest.mark.parametrize(
        ("args", "status", "message"),
        [
            (["import", "nowhere.json"], 2, "nowhere.json"),
            (["import", __file__, "--skip-opt-outs"], 1, "is not JSON"),
            (["serve", "--http-port", "70000"], 2, "--http-port (A2P_REGISTRY_HTTP_PORT)"),
            (["serve", "--registry-url", "http://x"], 2, "--registry-url (A2P_REGISTRY_REGISTRY_URL)"),
            (["import", __file__, "--database-url", "nonsense"], 1, "Could not parse SQLAlchemy URL"),
            (["rebuild", "--registry-url", "unix:///nowhere"], 1, "Error 2 connecting"),
        ],
    )
    def test_what_cannot_be_done_is_said_in_a_sentence(self, tmp_path, args, status, message):
        """Not as a traceback."""
        found, _, err = run(*args, A2P_REGISTRY_DATA_DIR=str(tmp_path / "data"))

        assert (found, "Traceback" in err) == (status, False)
        assert message in err

    def test_the_database_is_its_owner_s_only(self, tmp_path):
        """It holds everybody's numbers."""
        (tmp_path / "company.json").write_bytes(orjson.dumps(a_company()))
        run("import", tmp_path / "company.json", "--skip-opt-outs", "--data-dir", tmp_path / "data")

        assert (tmp_path / "data").stat().st_mode & 0o077 == 0
        with contextlib.closing(sqlite3.connect(tmp_path / "data" / "registry.db")) as connection:
            assert connection.execute("SELECT count(*) FROM users").fetchone() == (3,)

    def test_serve_refuses_a_database_behind_the_store_until_rebuild(self, served):
        """The message names the command that puts it right."""

        async def first():
            async with (
                RegistryStore.connected(served.registry_url) as store,
                Redis.from_url(served.registry_url, socket_timeout=None) as redis,
            ):
                await redis.flushall()
                await store.load_functions()
                await store.apply(Mark(epoch=9, seq=0), 900, {"{reg}:brand:B1": b"{}"})

        async def then():
            async with RegistryStore.connected(served.registry_url) as store, running(served):

                async def rebuilt():
                    mark = await store.mark()
                    return mark is not None and mark.epoch == 10  # (its first change follows: the key for tokens)

                await eventually(rebuilt)

        asyncio.run(first())
        at = ("--data-dir", served.data_dir, "--database-url", served.database_url)
        at += ("--registry-url", served.registry_url)
        status, _, err = run("serve", *at, "--http-port", 0, "--admin-port", 0)
        assert (status, "Traceback" in err) == (1, False)
        assert "a2p-registry rebuild" in err

        assert run("rebuild", *at) == (0, "The copy will be made anew, as epoch 10.\n", "")
        asyncio.run(then())


@pytest.fixture(scope="session")
def bytecode(tmp_path_factory):
    """Where processes of these tests keep compiled modules, so that only the first one compiles them."""
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path_factory.mktemp("bytecode"))}


class TestProcess:
    @pytest.mark.parametrize("end", ["end of file", signal.SIGTERM, signal.SIGINT])
    async def test_serve_ends_when_its_supervisor_does(self, served, redis, bytecode, end):
        """Or when it is told to; either way in good order."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "registry", "serve", "--supervised", "--http-port", "0", "--admin-port", "0"),
            *("--data-dir", served.data_dir, "--database-url", served.database_url),
            *("--registry-url", served.registry_url),
            cwd=ROOT,
            env=os.environ | bytecode,
            stdin=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(100):
            while b"registry_started" not in await process.stderr.readline():
                assert process.returncode is None
            if end == "end of file":
                process.stdin.close()
            else:
                process.send_signal(end)
            rest = await process.stderr.read()
            assert await process.wait() == 0
        assert b"registry_stopped" in rest
        assert b"Traceback" not in rest
