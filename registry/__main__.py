"""The command a2p-registry: reads options and settings, runs one command, ends with an exit status.

Exit status 0: done. 1: not, or not all of it; the terminal says why. 2: the options are wrong.

Not here: what a command does. Heavy imports are inside the commands, so that --help is quick.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from registry import terminal
from registry.bulk import cli as bulk_commands
from registry.drift import cli as drift_commands
from registry.people import commands as people_commands
from registry.people import login_commands
from registry.preflight import commands as preflight_commands
from registry.registration import commands as registration_commands

if TYPE_CHECKING:
    from registry.importer import ImportOptions, Progress, Report
    from registry.settings import Settings

T = TypeVar("T")

app = typer.Typer(
    name="a2p-registry",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # Plain help: it is read in narrow windows and in files, too.
    help="Keeps brands, campaigns, numbers and users in SQL, and copies them to where gateways read them.\n\n"
    "Every option has a setting of its name, such as A2P_REGISTRY_DATABASE_URL for --database-url; the option wins.",
)

ledger = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Looks after the ledger of what was sent and refused. `serve` does all of this by itself.",
)
app.add_typer(ledger, name="ledger")

audit = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Shows who changed what, and finds out whether anybody tampered with that record.",
)
app.add_typer(audit, name="audit")

DataDir = Annotated[Path | None, typer.Option(help="Where the embedded database lives. (default: var)")]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(help="SQLAlchemy URL of the database. (default: SQLite, registry.db in the data directory)"),
]
RegistryUrl = Annotated[
    str | None,
    typer.Option(help="The registry store: redis://, rediss:// or unix://. (default: redis://127.0.0.1:6380/0)"),
]

QueueUrl = Annotated[
    str | None,
    typer.Option(help="The queue store, whose journal becomes the ledger; empty: no ledger is kept. (default: empty)"),
]
LedgerUrl = Annotated[
    str | None,
    typer.Option(help="SQLAlchemy URL of the ledger. (default: SQLite, ledger.db in the data directory)"),
]


@app.command()
def serve(  # noqa: PLR0917 - options
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    registry_url: RegistryUrl = None,
    queue_url: QueueUrl = None,
    ledger_url: LedgerUrl = None,
    http_host: Annotated[str | None, typer.Option(help="Address of the HTTP API. (default: 127.0.0.1)")] = None,
    http_port: Annotated[int | None, typer.Option(help="Port of the HTTP API. (default: 8081)")] = None,
    admin_host: Annotated[str | None, typer.Option(help="Address of the admin port. (default: 127.0.0.1)")] = None,
    admin_port: Annotated[
        int | None,
        typer.Option(help="Port of /metrics, /healthz and /readyz. (default: 8092)"),
    ] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error. (default: info)")] = None,
    supervised: Annotated[bool, typer.Option("--supervised", help="End when standard input does.")] = False,  # noqa: FBT002 - an option
) -> None:
    """Keep the registry store equal to the database, until stopped.

    Brings the database up to date first. Every change that is committed, by whatever process, reaches the store in
    order, usually within a quarter of a second; a store that lost its data is filled again. Without this process the
    gateways' facts grow stale within 3 seconds.
    """
    from registry import app as registry_app  # noqa: PLC0415 - heavy
    from registry.logs import log_as_json  # noqa: PLC0415 - heavy
    from registry.projector import HistoryError  # noqa: PLC0415 - heavy

    settings = _settings(
        data_dir=data_dir,
        database_url=database_url,
        registry_url=registry_url,
        queue_url=queue_url,
        ledger_url=ledger_url,
        http_host=http_host,
        http_port=http_port,
        admin_host=admin_host,
        admin_port=admin_port,
        log_level=log_level,
    )
    log_as_json(settings.log_level)
    with terminal.refusals(HistoryError):
        _run(lambda: registry_app.serve(settings, supervised=supervised))


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(help="A company file, format a2p-company/1.", exists=True, dir_okay=False, readable=True),
    ],
    credentials: Annotated[
        Path | None,
        typer.Option(
            help="Leave API keys in this file: two a tenant (one for admins), one a user. Valid ones are kept.",
            dir_okay=False,
        ),
    ] = None,
    gateway_url: Annotated[
        str,
        typer.Option(help="The gateway that stores the opt-outs."),
    ] = "http://127.0.0.1:8080",
    wait: Annotated[float, typer.Option(help="How long to wait for the gateway, in seconds.", min=0)] = 30.0,
    skip_opt_outs: Annotated[bool, typer.Option("--skip-opt-outs", help="Leave the opt-outs out.")] = False,  # noqa: FBT002 - an option
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Import a company: tenants, users, brands, campaigns, numbers, contacts and opt-outs.

    Rows that are there already are made to be as in the file; what the file does not name stays as it is. A bad row is
    reported with its place in the file (from 0), its field and what to do; good rows are imported all the same, and the
    exit status is 1. Importing the same file again changes nothing.

    Keys reach the gateway through `a2p-registry serve`. So do the keys with which opt-outs are handed over: they are
    stored by the gateway only while both run.
    """
    from registry.company import CompanyFileError  # noqa: PLC0415 - heavy
    from registry.credentials import CredentialsFileError  # noqa: PLC0415 - heavy
    from registry.importer import ImportOptions  # noqa: PLC0415 - heavy

    options = ImportOptions(
        file=file,
        credentials=credentials,
        gateway_url=None if skip_opt_outs else gateway_url,
        wait_s=wait,
    )
    settings = _settings(data_dir=data_dir, database_url=database_url)
    with terminal.refusals(CompanyFileError, CredentialsFileError), terminal.progress_bars() as progress:
        report = _run(lambda: _import(settings, options, progress))
    terminal.show(report)
    if report.bad:
        raise typer.Exit(1)


@app.command()
def rebuild(data_dir: DataDir = None, database_url: DatabaseUrl = None, registry_url: RegistryUrl = None) -> None:
    """Have the store's copy made anew from the database.

    Needed after the database was restored from an older copy: `serve` refuses to run then. A `serve` that runs does it
    at once, otherwise the next one does when it starts. Gateways see the facts as unavailable for that moment.
    """
    settings = _settings(data_dir=data_dir, database_url=database_url, registry_url=registry_url)
    epoch = _run(lambda: _rebuild(settings))
    typer.echo(f"The copy will be made anew, as epoch {epoch}.")


@ledger.command("status")
def ledger_status(data_dir: DataDir = None, ledger_url: LedgerUrl = None, queue_url: QueueUrl = None) -> None:
    """Show what is in the ledger, how far behind the journal it is, and what it lost. Status 1: it is not whole."""
    from registry.ledger.commands import show_status  # noqa: PLC0415 - heavy

    settings = _settings(data_dir=data_dir, ledger_url=ledger_url, queue_url=queue_url)
    if not _run(lambda: show_status(settings, typer.echo)):
        raise typer.Exit(1)


@ledger.command("trim")
def ledger_trim(data_dir: DataDir = None, ledger_url: LedgerUrl = None) -> None:
    """Delete what was kept for long enough: texts, codes, decisions, changes of status, refusals, messages.

    For how many days each kind is kept is a setting, such as A2P_REGISTRY_LEDGER_TEXTS_DAYS.
    """
    from registry.ledger.commands import trim_now  # noqa: PLC0415 - heavy

    settings = _settings(data_dir=data_dir, ledger_url=ledger_url)
    _run(lambda: trim_now(settings, typer.echo))


@ledger.command("erase")
def ledger_erase(
    tenant: Annotated[str, typer.Option(help="The company's id.")],
    message: Annotated[str | None, typer.Option(help="Erase the text of this message.")] = None,
    number: Annotated[str | None, typer.Option(help="Erase all texts to and from this number.")] = None,
    everything: Annotated[bool, typer.Option("--everything", help="Erase all texts of the company.")] = False,  # noqa: FBT002 - an option
    data_dir: DataDir = None,
    ledger_url: LedgerUrl = None,
) -> None:
    """Erase what people wrote; what was decided and what became of it stays, and the erasure is on record."""
    from registry.ledger.asked import EraseBody  # noqa: PLC0415 - heavy
    from registry.ledger.commands import erase_now  # noqa: PLC0415 - heavy
    from registry.problems import Problem  # noqa: PLC0415 - heavy

    given = {"message": message, "number": number, "everything": everything or None}
    named = {name: value for name, value in given.items() if value is not None}
    try:
        kind, subject = EraseBody.model_construct(set(named), **named).subject()
    except Problem:
        typer.echo("Name one of --message, --number with a phone number, and --everything.", err=True)
        raise typer.Exit(2) from None
    settings = _settings(data_dir=data_dir, ledger_url=ledger_url)
    if not _run(lambda: erase_now(settings, typer.echo, tenant=tenant, kind=kind, subject=subject)):
        typer.echo("The company has no such message.", err=True)
        raise typer.Exit(1)


@audit.command("verify")
def audit_verify(
    anchor: Annotated[
        Path | None,
        typer.Option(help="Compare with the anchors in this file. (default: audit.anchor in the data directory)"),
    ] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Check that no row of the audit was edited, removed, added, moved or cut off; status 1 names the first that was.

    Every row carries a hash over itself and the row before. Who can write the database could write that chain anew from
    some row on; that shows only against an anchor, a note of where the chain ended, kept where they cannot write: give
    a copy of the file from elsewhere. `serve` adds to the file while it runs, and so does this command if all is well.
    """
    from registry.audit.anchors import FILE_NAME, AnchorError  # noqa: PLC0415 - heavy
    from registry.audit.commands import verify_all  # noqa: PLC0415 - heavy

    settings = _settings(data_dir=data_dir, database_url=database_url)
    path = anchor or settings.data_dir / FILE_NAME
    with terminal.refusals(AnchorError), terminal.progress_bars() as progress:
        good = _run(lambda: verify_all(settings, path, typer.echo, lambda done, of: progress("rows", done, of)))
    if not good:
        raise typer.Exit(1)


@audit.command("list")
def audit_list(  # noqa: PLR0917 - options
    tenant: Annotated[str | None, typer.Option(help="Only of this company.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only what this one did, such as key:<id> or import.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only of this table, such as numbers.")] = None,
    object_: Annotated[
        str | None, typer.Option("--object", help="Only of this one, such as a number in E.164 or a campaign's id.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="From this instant on, such as 2026-11-20T00:00:00Z.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this instant.")] = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1)] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Whole rows, one JSON object a line.")] = False,  # noqa: FBT002 - an option
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Show who changed what, the newest first: one line a change, with the fields that differ."""
    from registry.audit.commands import show_rows  # noqa: PLC0415 - heavy
    from registry.audit.listing import Filters  # noqa: PLC0415 - heavy

    filters = Filters(tenant, actor, kind, object_, _instant("--since", since), _instant("--until", until))
    settings = _settings(data_dir=data_dir, database_url=database_url)
    _run(lambda: show_rows(settings, filters, typer.echo, limit=limit, as_json=as_json))


def _instant(option: str, given: str | None) -> datetime | None:
    """Read an instant; ends the command when it has no offset or is none."""
    try:
        at = None if given is None else datetime.fromisoformat(given)
    except ValueError:
        at = datetime.min  # noqa: DTZ901 - refused at once
    if at is not None and at.tzinfo is None:
        typer.echo(f"{option}: this is no instant with an offset, such as 2026-11-20T00:00:00Z.", err=True)
        raise typer.Exit(2)
    return at


async def _import(settings: "Settings", options: "ImportOptions", progress: "Progress") -> "Report":
    from registry.database import Database  # noqa: PLC0415 - heavy
    from registry.importer import import_company  # noqa: PLC0415 - heavy

    async with Database.opened(settings) as database:
        return await import_company(database, options, progress)


async def _rebuild(settings: "Settings") -> int:
    from registry.database import Database  # noqa: PLC0415 - heavy
    from registry.projector import new_epoch  # noqa: PLC0415 - heavy
    from registry.store import RegistryStore  # noqa: PLC0415 - heavy

    async with Database.opened(settings) as database, RegistryStore.connected(settings.registry_url) as store:
        mark = await store.mark()
        async with database.writing() as connection:
            return await new_epoch(connection, 0 if mark is None else mark.epoch + 1)


def _settings(**given: Any) -> "Settings":
    """Make the settings of options that were given and variables for the rest."""
    from pydantic import ValidationError  # noqa: PLC0415 - heavy

    from registry.settings import Settings  # noqa: PLC0415 - heavy

    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False):
            name = "_".join(str(part) for part in fault["loc"])
            typer.echo(f"--{name.replace('_', '-')} (A2P_REGISTRY_{name.upper()}): {fault['msg']}", err=True)
        raise typer.Exit(2) from None


def _run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine in a loop of its own; what the system refuses ends the command with a sentence."""
    import uvloop  # noqa: PLC0415 - heavy
    from redis.exceptions import RedisError  # noqa: PLC0415 - heavy
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - heavy

    with (
        terminal.refusals(OSError, RedisError, SQLAlchemyError),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(main())


people_commands.add_to(app, _settings, _run)
login_commands.add_to(app, _settings, _run)
bulk_commands.add_to(app, _settings, _run)
drift_commands.add_to(app, _settings, _run)
preflight_commands.add_to(app, _settings, _run)
registration_commands.add_to(app, _settings, _run)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
