"""The command a2p-registry adjustments: what is to be put on bills, for the billing system.

Exit status as of the other commands: 1 when something that was written is not owed any more.

Not here: what it writes (adjustments.py). Heavy imports are inside the functions, so that --help is quick.
"""

import sys
from collections.abc import Callable, Coroutine
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

if TYPE_CHECKING:
    from registry.settings import Settings

#: Who did it, for the audit.
ACTOR = "command"


class Form(StrEnum):
    """How adjustments are written."""

    CSV = "csv"
    JSON = "json"


#: Makes the settings of options that were given.
Configure = Callable[..., "Settings"]
#: Runs a coroutine in a loop of its own.
Run = Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]


def add_to(app: typer.Typer, configure: Configure, run: Run) -> None:
    """Add the command to the command line."""

    @app.command("adjustments")
    def adjustments(
        month: Annotated[str | None, typer.Option(help="Only those booked in this month (UTC): YYYY-MM.")] = None,
        tenant: Annotated[str | None, typer.Option(help="Only of this company.")] = None,
        form: Annotated[Form, typer.Option("--format", help="How they are written.")] = Form.CSV,
        mark_billed: Annotated[  # noqa: FBT002 - an option
            bool, typer.Option("--mark-billed", help="Only those that are on no bill, and note that they are now.")
        ] = False,
        data_dir: Annotated[Path | None, typer.Option(help="Where the embedded database lives. (default: var)")] = None,
        database_url: Annotated[
            str | None,
            typer.Option(help="SQLAlchemy URL of the database. (default: SQLite, registry.db in the data directory)"),
        ] = None,
    ) -> None:
        """Write what companies owe once, as adjustments on their next bills, to standard output, in UTF-8.

        Instants are in UTC, and so are months: one that was booked at 2026-11-30T23:30 in New York is of December.
        Amounts are in cents, before tax. In CSV, a cell that a spreadsheet would take for a formula has an apostrophe
        in front.

        With --mark-billed each is noted as billed after it was written: a run that was cut off is repeated, and writes
        those again of which it is not known. Company and kind name an adjustment for good.
        """
        _check_month(month)
        settings = configure(data_dir=data_dir, database_url=database_url)
        out = sys.stdout.buffer
        gone = run(lambda: _write(settings, out, form.value, tenant, month, mark_billed=mark_billed))
        for one in gone:
            typer.echo(f"{one.tenant}: {one.kind} was taken back just now, do not bill it.", err=True)
        if gone:
            raise typer.Exit(1)


def _check_month(month: str | None) -> None:
    from registry.registration.adjustments import month_of  # noqa: PLC0415 - heavy

    try:
        month_of(month or "2026-11")
    except ValueError as error:
        typer.echo(f"--month: {error}.", err=True)
        raise typer.Exit(2) from None


async def _write(
    settings: "Settings", out: BinaryIO, form: Any, tenant: str | None, month: str | None, *, mark_billed: bool
) -> list[Any]:
    from registry.database import Database  # noqa: PLC0415 - heavy
    from registry.registration.adjustments import mark_written, written  # noqa: PLC0415 - heavy

    gone: list[Any] = []
    async with Database.opened(settings) as database:
        billed = False if mark_billed else None
        async for some, part in written(database, form, tenant=tenant, month=month, billed=billed):
            out.write(part)
            out.flush()
            if mark_billed and some:
                gone += await mark_written(database, some, ACTOR)
    return gone
