"""a2p-gateway doubts: every attempt whose answer was lost, and what was made of it."""

import asyncio
from collections import Counter
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer
from rich import box
from rich.table import Table

from gateway.commands.tables import show
from gateway.queue import QueueError, Status
from gateway.queue.journal import JournalLine, read_back
from gateway.queue.keys import PARTITIONS
from gateway.queue.wire import Wire

UNUSABLE: Final = 2
_TIMEOUT_S: Final = 5.0

#: What a doubt's line says by the status that it led to.
_RESOLUTIONS: Final = {
    Status.QUEUED: "sent again",
    Status.SCHEDULED: "sent again",
    Status.SUBMITTED: "the carrier had it",
    Status.UNKNOWN: "left unknown",
}


def doubts(
    *,
    data_dir: Annotated[Path | None, typer.Option(help="Of a running demonstration, such as var.")] = None,
    queue_url: Annotated[
        str, typer.Option(envvar="A2P_QUEUE_URL", help="The queue store.")
    ] = "redis://127.0.0.1:6379/0",
    most: Annotated[int, typer.Option(min=1, max=10_000, help="List so many at most, the newest first.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line instead of a table.")] = False,
) -> None:
    """List the doubts: texts that a carrier may or may not have taken, since its answer was lost.

    Each was resolved by the policy of its kind: the carrier was asked, it was sent again once, or it was left unknown.
    As far back as the journal goes. Exit status: 0, also when there is none; 2 when the store cannot be read.
    """
    try:
        found = asyncio.run(_find(_demo_url(data_dir) if data_dir else queue_url, most))
    except (QueueError, ValueError) as failure:
        typer.echo(f"the queue store cannot be read: {failure}", err=True)
        raise typer.Exit(UNUSABLE) from None
    if as_json:
        for line in found:
            typer.echo(orjson.dumps(_row(line)))
    elif not found:
        typer.echo("no doubts: every answer of a carrier came, as far back as the journal goes")
    else:
        show(_table(found), _counts(found))


def _demo_url(data_dir: Path) -> str:
    return f"unix://{data_dir.absolute() / 'run' / 'queue.sock'}"


async def _find(url: str, most: int) -> list[JournalLine]:
    """Read the newest doubts of all partitions."""
    wire = Wire(url, connections=1, timeout_s=_TIMEOUT_S)
    try:
        partitions = int(await wire.one(("GET", PARTITIONS)) or 0)
        found = [line for partition in range(partitions) for line in await _find_in(wire, partition, most)]
    finally:
        await wire.close()
    return sorted(found, key=lambda line: line.at_ms, reverse=True)[:most]


async def _find_in(wire: Wire, partition: int, most: int) -> list[JournalLine]:
    found: list[JournalLine] = []
    async with aclosing(read_back(wire, partition)) as lines:
        async for line in lines:
            if line.is_doubt:
                found.append(line)
                if len(found) == most:
                    break
    return found


def _row(line: JournalLine) -> dict[str, str | int]:
    return {
        "at": datetime.fromtimestamp(line.at_ms / 1_000, UTC).isoformat(timespec="milliseconds"),
        "message": line.message_id,
        "carrier": line.carrier,
        "attempt": line.attempt,
        "because": line.code,
        "resolved": _resolution(line),
    }


def _resolution(line: JournalLine) -> str:
    if line.kind != "status":
        return "taken twice"
    return _RESOLUTIONS.get(Status(line.status), line.status)


def _table(found: list[JournalLine]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title="Doubts, the newest first", title_justify="left")
    for column in ("at (UTC)", "message", "carrier", "attempt", "because", "resolved"):
        table.add_column(column)
    for line in found:
        table.add_row(*(str(value) for value in _row(line).values()))
    return table


def _counts(found: list[JournalLine]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title="How they were resolved", title_justify="left")
    table.add_column("resolved")
    table.add_column("doubts", justify="right")
    for word, count in Counter(_resolution(line) for line in found).most_common():
        table.add_row(word, f"{count:,}")
    return table
