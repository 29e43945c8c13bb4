"""The commands a2p-registry bulk import and bulk export.

Exit status as of the other commands: 1 when rows were bad, or the file cannot be taken.

Not here: what they do (jobs.py, export.py). Heavy imports are inside the functions, so that --help is quick.
"""

from collections.abc import Callable, Coroutine
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from registry import terminal

if TYPE_CHECKING:
    from registry.bulk.jobs import BulkOptions, Progress, Summary
    from registry.settings import Settings

#: Who did it, for the audit.
ACTOR: Final = "bulk"


class Kind(StrEnum):
    """What the rows of a file are about."""

    NUMBERS = "numbers"
    USERS = "users"
    ASSIGNMENTS = "assignments"


class Form(StrEnum):
    """How a file is written."""

    CSV = "csv"
    NDJSON = "ndjson"


DataDir = Annotated[Path | None, typer.Option(help="Where the embedded database lives. (default: var)")]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(help="SQLAlchemy URL of the database. (default: SQLite, registry.db in the data directory)"),
]
Tenant = Annotated[str, typer.Option(help="The company's id.")]
KindOption = Annotated[Kind, typer.Option(help="What the rows are about.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Judge each row as things are now; write nothing.")]
AsImport = Annotated[bool, typer.Option("--as-import", help="Take states as they are given, as `import` does.")]
FromStart = Annotated[bool, typer.Option("--from-start", help="Begin anew where a run of the same file was cut off.")]

#: Makes the settings of options that were given.
Configure = Callable[..., "Settings"]
#: Runs a coroutine in a loop of its own.
Run = Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]


def add_to(app: typer.Typer, configure: Configure, run: Run) -> None:
    """Add both commands to the command line."""
    bulk = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Takes files of numbers, people or assignments of one company in, and writes them out.",
    )
    app.add_typer(bulk, name="bulk")
    _add_import(bulk, configure, run)
    _add_export(bulk, configure, run)


def _add_import(bulk: typer.Typer, configure: Configure, run: Run) -> None:
    @bulk.command("import")
    def import_(  # noqa: PLR0917 - options
        file: Annotated[
            Path, typer.Argument(help="CSV, JSON lines or a JSON array.", exists=True, dir_okay=False, readable=True)
        ],
        tenant: Tenant,
        kind: KindOption,
        report: Annotated[
            Path | None, typer.Option(help="Where the report goes. (default: FILE.report.ndjson)", dir_okay=False)
        ] = None,
        dry_run: DryRun = False,  # noqa: FBT002 - an option
        as_import: AsImport = False,  # noqa: FBT002 - an option
        from_start: FromStart = False,  # noqa: FBT002 - an option
        data_dir: DataDir = None,
        database_url: DatabaseUrl = None,
    ) -> None:
        """Bring a company's numbers, people or assignments to where the rows of a file have them.

        numbers: did, user (empty: the pool), kind, enabled (yes or no), campaign_id. users: id, name, role, licence,
        extension. assignments: did, campaign_id. A column that is left out stays as it is.

        Good rows are taken whatever the others are like, by the rules that hold for an admin's own hand. The report has
        a line for each row that was bad or changed something. A run that was cut off is gone on with by the next run
        of the same file.
        """
        from registry.bulk.jobs import BulkError, BulkOptions  # noqa: PLC0415 - heavy
        from registry.bulk.reading import FileFaultError  # noqa: PLC0415 - heavy

        options = BulkOptions(
            file=file,
            kind=kind.value,
            tenant=tenant,
            report=report or file.with_name(f"{file.name}.report.ndjson"),
            as_import=as_import,
            dry_run=dry_run,
            from_start=from_start,
        )
        settings = configure(data_dir=data_dir, database_url=database_url)
        with terminal.refusals(BulkError, FileFaultError), terminal.progress_bars() as advance:
            summary = run(lambda: _import(settings, options, lambda lines, total: advance(kind.value, lines, total)))
        _show(summary, options)
        if summary.bad:
            raise typer.Exit(1)


def _add_export(bulk: typer.Typer, configure: Configure, run: Run) -> None:
    @bulk.command("export")
    def export_(
        file: Annotated[Path, typer.Argument(help="The file to write.", dir_okay=False)],
        tenant: Tenant,
        kind: KindOption,
        form: Annotated[Form, typer.Option("--format", help="How it is written.")] = Form.CSV,
        data_dir: DataDir = None,
        database_url: DatabaseUrl = None,
    ) -> None:
        """Write a company's numbers, people or assignments into a file that `bulk import` reads.

        In CSV, a cell that a spreadsheet would take for a formula, phone numbers among them, has an apostrophe in
        front; reading it takes the apostrophe away.
        """
        from registry.bulk.jobs import BulkError  # noqa: PLC0415 - heavy

        settings = configure(data_dir=data_dir, database_url=database_url)
        with terminal.refusals(BulkError):
            rows = run(lambda: _export(settings, file, tenant, kind.value, form.value))
        typer.echo(f"{kind.value}: {rows} rows")


def _show(summary: "Summary", options: "BulkOptions") -> None:
    would = "would be " if options.dry_run else ""
    if summary.resumed_after:
        typer.echo(f"{summary.resumed_after} rows were done by an earlier run of the same file.")
    typer.echo(f"{options.kind}: {summary.rows} rows, {summary.changed} {would}changed, {summary.bad} bad")
    if summary.bad or summary.changed:
        typer.echo(f"Row by row: {options.report}")
    if summary.bad:
        typer.secho("Correct the bad rows, and import them again.", err=True, fg=typer.colors.RED)


async def _import(settings: "Settings", options: "BulkOptions", progress: "Progress") -> "Summary":
    from datetime import UTC, datetime  # noqa: PLC0415 - beside its use

    from registry.bulk.jobs import run_file  # noqa: PLC0415 - heavy
    from registry.bulk.judged import Office  # noqa: PLC0415 - heavy
    from registry.database import Database  # noqa: PLC0415 - heavy
    from registry.flows.desk import Limits  # noqa: PLC0415 - heavy

    office = Office(
        tenant=options.tenant,
        actor=ACTOR,
        now=datetime.now(UTC),
        limits=Limits(numbers_per_campaign=settings.numbers_per_campaign),
        operator=True,
    )
    async with Database.opened(settings) as database:
        return await run_file(database, office, options, progress)


async def _export(settings: "Settings", file: Path, tenant: str, kind: str, form: Any) -> int:
    from registry.bulk.columns import KINDS  # noqa: PLC0415 - heavy
    from registry.bulk.export import export  # noqa: PLC0415 - heavy
    from registry.bulk.jobs import check_company  # noqa: PLC0415 - heavy
    from registry.database import Database  # noqa: PLC0415 - heavy

    part = file.with_name(f"{file.name}.part")
    rows = 0
    async with Database.opened(settings) as database:
        async with database.reading() as connection:
            await check_company(connection, tenant)
        with part.open("wb") as written:
            async for count, some in export(database, KINDS[kind], tenant, form):
                written.write(some)
                rows += count
    part.replace(file)
    return rows
