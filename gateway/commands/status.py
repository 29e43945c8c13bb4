"""a2p-gateway status: how the processes of an instance are, on one screen."""

import asyncio
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer
from rich import box
from rich.table import Table

from compliance.shapes import ShapeError
from gateway.client.health import Address, Health, Process, look
from gateway.commands.tables import show

NOT_WELL, UNUSABLE = 1, 2

_KINDS: Final = ("gateway", "worker", "registry")
#: What metrics call a lane that nobody declared: news only when there is something in it.
_UNDECLARED: Final = "other"
_URL = re.compile(r"https?://[^/]+", re.ASCII)


def status(
    *,
    data_dir: Annotated[
        Path, typer.Option(help="Of a running demonstration: its demo.json says where the processes are.")
    ] = Path("var"),
    gateway_admin: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="A gateway's admin port; as often as there are gateways.")
    ] = None,
    worker_admin: Annotated[list[str] | None, typer.Option(metavar="URL", help="A worker's, likewise.")] = None,
    registry_admin: Annotated[list[str] | None, typer.Option(metavar="URL", help="A registry's, likewise.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
) -> None:
    """Show whether each process is ready, how old the registry's facts are, what waits, and whether anything is lost.

    Exit status: 0 every process is ready and no message is missing; 1 not so; 2 it is not known where to look.
    """
    given = dict(zip(_KINDS, (gateway_admin or [], worker_admin or [], registry_admin or []), strict=True))
    try:
        addresses = _addresses(given) if any(given.values()) else _addresses(_read_demo(data_dir / "demo.json"))
    except FileNotFoundError:
        typer.echo(f"no demo.json in {data_dir}: give --data-dir, or --gateway-admin and the like", err=True)
        raise typer.Exit(UNUSABLE) from None
    except (OSError, ShapeError) as wrong:
        typer.echo(wrong, err=True)
        raise typer.Exit(UNUSABLE) from None
    health = asyncio.run(look(addresses))
    if as_json:
        typer.echo(orjson.dumps(health, option=orjson.OPT_INDENT_2))
    else:
        show(_processes(health.processes), _queue(health), _lanes(health))
    raise typer.Exit(0 if health.is_well else NOT_WELL)


def _read_demo(path: Path) -> dict[str, list[str]]:
    try:
        urls: Any = orjson.loads(path.read_bytes())["urls"]
        return {kind: [urls[f"{kind}_admin"]] for kind in _KINDS}
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise ShapeError(f"{path}: does not say where the processes are") from None


def _addresses(urls: Mapping[str, Sequence[str]]) -> list[Address]:
    addresses = [Address(kind=kind, url=url.rstrip("/")) for kind, several in urls.items() for url in several]
    for address in addresses:
        if not _URL.fullmatch(address.url):
            raise ShapeError(f"{address.kind}: must be an address such as http://127.0.0.1:8090")
    return addresses


def _processes(processes: Sequence[Process]) -> Table:
    table = _table("Processes", "process", "address", "is", "because")
    for process in processes:
        state = "ready" if process.is_ready else "not ready" if process.is_alive else "down"
        table.add_row(process.kind, process.url, state, process.reason)
    return table


def _queue(health: Health) -> Table:
    table = _table("Messages and facts", "what", "now")
    rows = {
        "accepted": _count(health.accepted),
        "ended": _count(health.terminal),
        "open": _count(health.open),
        "accepted - ended - open": _count(health.difference),
        "owned partitions": _count(health.owned_partitions),
        "doubts": _doubts(health.doubts),
        "registry age": _age(health.registry_age_s),
        "registry changes on their way": _count(health.outbox_lag),
    }
    for what, now in rows.items():
        table.add_row(what, now)
    return table


def _lanes(health: Health) -> Table:
    table = _table("Lanes", "lane", "waiting", "oldest")
    for lane in health.lanes:
        if lane.name == _UNDECLARED and not lane.messages:
            continue
        table.add_row(lane.name, _count(lane.messages), _age(lane.oldest_s))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    for column in columns:
        table.add_column(column)
    return table


def _count(number: int | None) -> str:
    return "not known" if number is None else f"{number:,}"


def _doubts(doubts: Mapping[str, int]) -> str:
    if not doubts:
        return "not known"
    return ", ".join(f"{count:,} {word}" for word, count in doubts.items() if count) or "none"


def _age(seconds: float | None) -> str:
    if seconds is None:
        return "not known"
    return "never seen" if math.isinf(seconds) else f"{seconds:,.1f} s"
