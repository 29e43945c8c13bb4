"""a2p-gateway orphans: texts from outside to numbers that nobody has, kept for people to look at."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer
from rich import box
from rich.table import Table

from compliance.masking import mask
from gateway import received
from gateway.commands.tables import show
from gateway.queue import QueueError
from gateway.queue.keys import ORPHANS
from gateway.queue.wire import Wire
from gateway.received import Received

UNUSABLE: Final = 2
_TIMEOUT_S: Final = 5.0


def orphans(
    *,
    data_dir: Annotated[Path | None, typer.Option(help="Of a running demonstration, such as var.")] = None,
    queue_url: Annotated[
        str, typer.Option(envvar="A2P_QUEUE_URL", help="The queue store.")
    ] = "redis://127.0.0.1:6379/0",
    most: Annotated[int, typer.Option(min=1, max=10_000, help="List so many at most, the newest first.")] = 50,
    texts: Annotated[bool, typer.Option("--texts", help="Show whole numbers and what was written, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line instead of a table.")] = False,
) -> None:
    """List texts that carriers brought for numbers which nobody has: whose are they?

    A carrier that still routes a number to us, a number that the registry has lost, or one in a company's pool. The
    newest 100,000 are kept. Exit status: 0, also when there is none; 2 when the store cannot be read.
    """
    try:
        url = f"unix://{data_dir.absolute() / 'run' / 'queue.sock'}" if data_dir else queue_url
        rows = [_row(text, texts=texts) for text in asyncio.run(_find(url, most))]
    except (QueueError, ValueError) as failure:
        typer.echo(f"the queue store cannot be read: {failure}", err=True)
        raise typer.Exit(UNUSABLE) from None
    if as_json:
        for row in rows:
            typer.echo(orjson.dumps(row))
    elif not rows:
        typer.echo("no orphans: every text from outside found its owner")
    else:
        show(_table(rows))


async def _find(url: str, most: int) -> list[Received]:
    """Read the newest ones."""
    wire = Wire(url, connections=1, timeout_s=_TIMEOUT_S)
    try:
        entries = await wire.one(("XREVRANGE", f"{ORPHANS}:inbox", "+", "-", "COUNT", most))
    finally:
        await wire.close()
    return [received.load(fields[3]) for _, fields in entries]


def _row(text: Received, *, texts: bool) -> dict[str, str]:
    row = {
        "at": datetime.fromtimestamp(text.received_ms / 1_000, UTC).isoformat(timespec="seconds"),
        "carrier": text.carrier,
        "to": text.recipient,
        "from": text.sender if texts else mask(text.sender),
        "meaning": text.meaning,
    }
    return row | ({"text": text.text} if texts else {})


def _table(rows: list[dict[str, str]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title="Texts to numbers of nobody, the newest first", title_justify="left")
    for column in rows[0]:
        table.add_column("at (UTC)" if column == "at" else column)
    for row in rows:
        table.add_row(*row.values())
    return table
