"""The commands a2p-registry drift list and drift sweep.

Not here: what they do (sweep.py, book.py). Heavy imports are inside the functions, so that --help is quick.
"""

from collections.abc import Callable, Coroutine
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from registry import terminal

if TYPE_CHECKING:
    from registry.settings import Settings


class State(StrEnum):
    """What has become of it."""

    OPEN = "open"
    HEALED = "healed"
    ACCEPTED = "accepted"


DataDir = Annotated[Path | None, typer.Option(help="Where the embedded database lives. (default: var)")]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(help="SQLAlchemy URL of the database. (default: SQLite, registry.db in the data directory)"),
]
RegistryUrl = Annotated[
    str | None,
    typer.Option(help="The registry store: redis://, rediss:// or unix://. (default: redis://127.0.0.1:6380/0)"),
]
SkipStore = Annotated[bool, typer.Option("--skip-store", help="Leave the registry store out.")]

#: Makes the settings of options that were given.
Configure = Callable[..., "Settings"]
#: Runs a coroutine in a loop of its own.
Run = Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]


def add_to(app: typer.Typer, configure: Configure, run: Run) -> None:
    """Add both commands to the command line."""
    drift = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Finds and lists where the registry and those around it disagree.",
    )
    app.add_typer(drift, name="drift")

    @drift.command(name="list")
    def list_(
        state: Annotated[State, typer.Option(help="open, healed or accepted.")] = State.OPEN,
        kind: Annotated[str | None, typer.Option(help="Of this class only.")] = None,
        data_dir: DataDir = None,
        database_url: DatabaseUrl = None,
    ) -> None:
        """List drift: class, object, company, detail, and what becomes of it. Exit status 1 when something is open.

        An object is named in full, phone numbers included.
        """
        settings = configure(data_dir=data_dir, database_url=database_url)
        lines = run(lambda: _list(settings, state.value, kind))
        for line in lines:
            typer.echo(line)
        if lines and state is State.OPEN:
            raise typer.Exit(1)

    @drift.command()
    def sweep(
        skip_store: SkipStore = False,  # noqa: FBT002 - an option
        data_dir: DataDir = None,
        database_url: DatabaseUrl = None,
        registry_url: RegistryUrl = None,
    ) -> None:
        """Go once over everything, now: our rows, the registry store, and TCR and the aggregator where they are set.

        What heals itself is healed. A turn that `serve` has begun is gone on with.
        """
        from registry.drift.sweep import FAILURES  # noqa: PLC0415 - heavy

        settings = configure(data_dir=data_dir, database_url=database_url, registry_url=registry_url)
        with terminal.refusals(*FAILURES):
            counts = run(lambda: _sweep(settings, with_store=not skip_store))
        for kind, number in sorted(counts.items()):
            typer.echo(f"{kind}: {number} open")
        typer.echo("Nothing is open." if not counts else "See `a2p-registry drift list`.")


async def _list(settings: "Settings", state: str, kind: str | None) -> list[str]:
    import sqlalchemy as sa  # noqa: PLC0415 - heavy

    from registry.database import Database  # noqa: PLC0415 - heavy
    from registry.drift.classes import CLASSES  # noqa: PLC0415 - heavy
    from registry.work_tables import drift  # noqa: PLC0415 - heavy

    wanted = sa.select(drift).where(drift.c.state == state).order_by(drift.c.kind, drift.c.object)
    if kind is not None:
        wanted = wanted.where(drift.c.kind == kind)
    async with Database.opened(settings) as database, database.reading() as connection:
        rows = (await connection.execute(wanted)).all()
    return [
        f"{row.kind}  {row.object}  {row.tenant or '-'}  {row.detail or '-'}  "
        f"{'heals itself' if CLASSES[row.kind].heals else CLASSES[row.kind].remedy}"
        for row in rows
    ]


async def _sweep(settings: "Settings", *, with_store: bool) -> dict[str, int]:
    from contextlib import AsyncExitStack  # noqa: PLC0415 - beside its use

    from prometheus_client import CollectorRegistry  # noqa: PLC0415 - heavy

    from metrics.registry import RegistryMetrics  # noqa: PLC0415 - heavy
    from registry.database import Database  # noqa: PLC0415 - heavy
    from registry.drift.book import open_by_kind  # noqa: PLC0415 - heavy
    from registry.drift.parts import sweep_of  # noqa: PLC0415 - heavy
    from registry.provisioning.client import AggregatorClient  # noqa: PLC0415 - heavy
    from registry.tcr.client import TcrAccount, TcrClient  # noqa: PLC0415 - heavy

    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database.opened(settings))
        aggregator = tcr = None
        if settings.aggregator_url:
            aggregator = await stack.enter_async_context(
                AggregatorClient.opened(
                    settings.aggregator_url,
                    settings.aggregator_key,
                    reads_per_s=settings.aggregator_reads_per_s,
                    writes_per_s=settings.aggregator_writes_per_s,
                )
            )
        if settings.tcr_url:
            account = TcrAccount(
                url=settings.tcr_url, key=settings.tcr_key, secret=settings.tcr_secret, upstream=settings.tcr_upstream
            )
            tcr = await stack.enter_async_context(TcrClient.connected(account))
        sweep = await stack.enter_async_context(
            sweep_of(
                settings,
                database,
                RegistryMetrics(CollectorRegistry()),
                aggregator=aggregator,
                tcr=tcr,
                with_store=with_store,
            )
        )
        await sweep.turn()
        async with database.reading() as connection:
            return await open_by_kind(connection)
