"""Puts the demonstration on: starts the parts in order, imports the company, sends the first messages, stays up."""

import asyncio
import fcntl
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import aiohttp
import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table

from gateway.demo.cast import Cast, cast_of
from gateway.demo.first_messages import Shown, send_first_messages
from gateway.demo.layout import Layout
from gateway.demo.logins import logins_of, provider_of
from gateway.offline.company import Company, read_company
from gateway.settings import environment_for_children
from gateway.supervisor import Child, ChildError, Supervisor, supervising

_DEMO_TENANT: Final = "acme"
_FAILED: Final = 1
#: Columns where the output is no terminal.
_WIDTH_OF_FILES: Final = 118
_COLOURS: Final = {"allow": "green", "flag": "yellow", "defer": "yellow", "block": "red"}


def stage(data_dir: Path, port_base: int, company_file: Path) -> int:
    """Run the demonstration until Ctrl-C or SIGTERM; returns the exit status."""
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_FILES)
    layout = Layout.of(data_dir, port_base)
    with (layout.data_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            console.print(f"[red]{data_dir} is in use by another instance: choose another --data-dir.[/]")
            return _FAILED
        if taken := layout.taken_ports():
            ports = ", ".join(map(str, taken))
            console.print(f"[red]Taken by other programs: port {ports}. Choose another --port-base.[/]")
            return _FAILED
        return asyncio.run(_play(layout, company_file, console))


async def _play(layout: Layout, company_file: Path, console: Console) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with supervising(layout.data_dir / "logs", environment_for_children()) as supervisor:
        status = 0
        try:
            async with asyncio.TaskGroup() as tasks:
                playing = tasks.create_task(_start(layout, company_file, supervisor, console))
                tasks.create_task(_end_of_play(stop, supervisor, playing))
        except* ChildError as failures:
            console.print(f"[red]{failures.exceptions[0]}[/]")
            status = _FAILED
        console.print("\nStopping ...")
    console.print("Stopped; everything is kept in " + str(layout.data_dir))
    return status


async def _end_of_play(stop: asyncio.Event, supervisor: Supervisor, playing: "asyncio.Task[None]") -> None:
    """Wait until somebody stops it, or a child is beyond help (ChildError)."""
    stopped = asyncio.create_task(stop.wait())
    waiting: list[asyncio.Future[Any]] = [stopped, supervisor.failed]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    if supervisor.failed.done():
        stopped.cancel()
        raise ChildError(supervisor.failed.result())
    playing.cancel()


async def _start(layout: Layout, company_file: Path, supervisor: Supervisor, console: Console) -> None:
    raw = company_file.read_bytes()  # noqa: ASYNC240 - nothing else runs yet
    company = read_company(raw)
    with console.status("Starting ...") as status:
        for together in _children(layout, company_file):
            status.update(f"Starting {' and '.join(child.name for child in together)} ...")
            await asyncio.gather(*(supervisor.start(child) for child in together))
        status.update("Importing the company ...")
        await _import(layout, company_file)
        cast = cast_of(company, _DEMO_TENANT)
        status.update("Giving people logins ...")
        users = orjson.loads(raw)["users"]
        logins = logins_of(users, cast, layout.console_password())
        await _give_logins(layout, logins, provider_of(users))
        status.update("Sending the first messages ...")
        credentials = orjson.loads(layout.credentials.read_bytes())
        shown = await send_first_messages(
            layout.urls["gateway"],
            credentials["user_keys"][cast.sender],
            credentials["api_keys"][_DEMO_TENANT],
            cast,
        )
        if cast.canary is not None:
            status.update("Starting canary ...")
            command = layout.canary_command(_DEMO_TENANT, cast.canary, cast.recipients["mobile"])
            await supervisor.start(_child("canary", command, {}, _answers(layout.urls["canary_admin"] + "/readyz")))
    _write_demo_file(layout, users, credentials, cast, logins)
    _show(console, layout, shown, company, logins)


def _children(layout: Layout, company_file: Path) -> list[list[Child]]:
    """List what to run, in groups that can start together; what a group needs is in an earlier one."""
    secret = layout.carrier_secret()
    gateway = layout.gateway_environment(secret)
    admin = layout.urls
    return [
        [
            _child("queue-store", layout.store_command("queue"), {}, _pings(layout.store_url("queue"))),
            _child("registry-store", layout.store_command("registry"), {}, _pings(layout.store_url("registry"))),
            _child("carrier", layout.carrier_command(secret), {}, _answers(admin["carrier"] + "/healthz")),
            _child("tcr", layout.tcr_command(company_file), {}, _answers(admin["tcr"] + "/healthz")),
            _child(
                "aggregator",
                layout.aggregator_command(company_file),
                {},
                _answers(admin["aggregator"] + "/healthz"),
            ),
        ],
        [
            _child(
                "registry",
                layout.registry_command(),
                layout.registry_environment(),
                _answers(admin["registry_admin"] + "/readyz"),
            ),
            _child("gateway", layout.gateway_command("serve"), gateway, _answers(admin["gateway_admin"] + "/readyz")),
            _child("worker", layout.gateway_command("work"), gateway, _answers(admin["worker_admin"] + "/readyz")),
        ],
    ]


def _child(name: str, command: list[str], environment: dict[str, str], ready: Callable[[], Awaitable[bool]]) -> Child:
    return Child(name=name, command=command, environment=environment, is_ready=ready)


def _pings(url: str) -> Callable[[], Awaitable[bool]]:
    async def is_ready() -> bool:
        try:
            async with Redis.from_url(url, socket_timeout=None) as store:
                return bool(await store.ping())
        except (RedisError, OSError):
            return False

    return is_ready


def _answers(url: str) -> Callable[[], Awaitable[bool]]:
    async def is_ready() -> bool:
        try:
            async with aiohttp.request("GET", url) as response:
                return response.ok
        except (aiohttp.ClientError, OSError):
            return False

    return is_ready


async def _import(layout: Layout, company_file: Path) -> None:
    await _run(layout, "import", layout.import_command(company_file), "The company was not imported whole")


async def _give_logins(layout: Layout, logins: list[dict[str, str]], provider: str | None) -> None:
    """Have people sign in to the console, and the phone company's act for others."""
    file = layout.data_dir / "logins.json"
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(orjson.dumps(logins))
    await _run(layout, "logins", layout.logins_command(file), "Nobody has a login to the console")
    if provider is not None:
        await _run(layout, "provider", layout.provider_command(provider), f"{provider} is not the phone company")


async def _run(layout: Layout, name: str, command: list[str], failed: str) -> None:
    """Run a command to its end; ChildError says what did not come about."""
    log = layout.data_dir / "logs" / f"{name}.log"
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**environment_for_children(), **layout.registry_environment()},
        )
        if await process.wait() != 0:
            raise ChildError(f"{failed}; see {log}")


def _write_demo_file(
    layout: Layout,
    users: list[dict[str, Any]],
    credentials: dict[str, Any],
    cast: Cast,
    logins: list[dict[str, str]],
) -> None:
    """Say where everything is; the file appears whole, when everything is ready, readable by its owner only."""
    content = {
        "urls": layout.urls,
        **credentials,
        "users": [{field: user.get(field) for field in ("id", "tenant", "name", "role")} for user in users],
        "logins": logins,
        "numbers": cast.numbers,
        "recipients": cast.recipients,
    }
    if cast.canary is not None:
        content["canary"] = cast.canary.number
    draft = layout.data_dir / "demo.json.new"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    draft.replace(layout.data_dir / "demo.json")


def _show(console: Console, layout: Layout, shown: list[Shown], company: Company, logins: list[dict[str, str]]) -> None:
    table = Table(title="The first messages", title_justify="left")
    for heading in ("message", "HTTP", "verdict", "reason", "became"):
        table.add_column(heading, overflow="fold")
    for one in shown:
        colour = _COLOURS[one.verdict]
        verdict = f"[{colour}]{one.verdict}[/]"
        table.add_row(one.what, str(one.status), verdict, f"{one.reason}\n[dim]{one.text}[/]", one.ended or "not sent")
    console.print(table)
    console.print(
        f"{len(company.users)} people, {len(company.numbers)} numbers. What the carrier gets is shown live at"
    )
    for name, url in layout.urls.items():
        console.print(f"  {name:15} {url}", highlight=False)
    who = " or ".join(one["email"] for one in logins[:2])
    console.print(f"The console: {layout.urls['registry']}/console, as {who},", highlight=False)
    console.print(f"  password {layout.console_password()} (everybody's here)", highlight=False)
    console.print(f"Keys and numbers to try: {layout.data_dir / 'demo.json'}", highlight=False)
    console.print("Ctrl-C stops everything.")
