"""The commands a2p-registry key and a2p-registry tenant: keys and the provider's company, without any key.

Whoever can reach the database needs none; this is how the first one comes to be. Everything is on record as done by
the terminal.

Heavy imports are inside the functions, so that --help is quick.
"""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from registry.flows.desk import Desk
    from registry.settings import Settings

ACTOR: Final = "terminal"

DataDir = Annotated[Path | None, typer.Option(help="Where the embedded database lives. (default: var)")]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(help="SQLAlchemy URL of the database. (default: SQLite, registry.db in the data directory)"),
]
Tenant = Annotated[str, typer.Option(help="The company's id.")]

#: Makes the settings of options that were given.
Configure = Callable[..., "Settings"]
#: Runs a coroutine in a loop of its own.
Run = Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]


def add_to(app: typer.Typer, configure: Configure, run: Run) -> None:
    """Add both commands to the command line."""
    app.add_typer(_keys(configure, run), name="key")
    app.add_typer(_tenants(configure, run), name="tenant")


def _keys(configure: Configure, run: Run) -> typer.Typer:
    key = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Makes, lists and revokes API keys, straight in the database.",
    )

    @key.command()
    def create(
        tenant: Tenant,
        scope: Annotated[list[str], typer.Option(help="send, read, admin, support or operator; may be repeated.")],
        user: Annotated[str | None, typer.Option(help="Whose key it is. (default: the company's)")] = None,
        label: Annotated[str, typer.Option(help="What it is for.")] = "",
        data_dir: DataDir = None,
        database_url: DatabaseUrl = None,
    ) -> None:
        """Make a key and write it to standard output: it is shown this once.

        The scopes support and operator are for keys of the provider's company; see `a2p-registry tenant provider`.
        """
        settings = configure(data_dir=data_dir, database_url=database_url)
        typer.echo(_told(run, lambda: _create(settings, tenant, user, scope, label)))

    @key.command(name="list")
    def list_(
        tenant: Annotated[str | None, typer.Option(help="Of this company only.")] = None,
        data_dir: DataDir = None,
        database_url: DatabaseUrl = None,
    ) -> None:
        """List keys: id, company, person, scopes, label, and whether they are revoked. Never what proves them."""
        settings = configure(data_dir=data_dir, database_url=database_url)
        for line in run(lambda: _list(settings, tenant)):
            typer.echo(line)

    @key.command()
    def revoke(
        id: Annotated[str, typer.Argument(help="What stands between a2p_ and the secret.")],  # noqa: A002 - its name
        data_dir: DataDir = None,
        database_url: DatabaseUrl = None,
    ) -> None:
        """Revoke a key for good. `serve` carries it to the gateways, usually within a quarter of a second."""
        settings = configure(data_dir=data_dir, database_url=database_url)
        typer.echo(_told(run, lambda: _revoke(settings, id)))

    return key


def _tenants(configure: Configure, run: Run) -> typer.Typer:
    tenant = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Says which company is the provider.")

    @tenant.callback()
    def group() -> None:
        """Say which company is the provider."""

    @tenant.command()
    def provider(
        id: Annotated[str, typer.Argument(help="The company's id; taken in if it is not there.")],  # noqa: A002 - its name
        name: Annotated[str, typer.Option(help="Its name. (default: as it is, or the id)")] = "",
        data_dir: DataDir = None,
        database_url: DatabaseUrl = None,
    ) -> None:
        """Make a company the provider's own: its operators may act for every company. There is one.

        Then: a2p-registry key create --tenant ID --scope operator --label "first operator"
        """
        settings = configure(data_dir=data_dir, database_url=database_url)
        typer.echo(_told(run, lambda: _provider(settings, id, name)))

    return tenant


def _told(run: Run, main: Callable[[], Coroutine[Any, Any, str]]) -> str:
    """Run a coroutine; a refusal ends the command with a sentence."""
    from registry import terminal  # noqa: PLC0415 - heavy
    from registry.people.tenants import ProviderTakenError  # noqa: PLC0415 - heavy
    from registry.problems import PROBLEMS, Problem  # noqa: PLC0415 - heavy

    with terminal.refusals(ProviderTakenError):
        try:
            return str(run(main))
        except Problem as problem:
            fixes = [f"{fault.pointer[1:].split('/')[0]}: {fault.fix}" for fault in problem.faults if fault.fix]
            kind = PROBLEMS[problem.code]
            typer.echo(" ".join([f"{kind.title}.", *(fixes or [kind.fix])]), err=True)
            raise typer.Exit(1) from None


async def _at_desk(settings: "Settings", tenant: str, work: "Callable[[Desk], Coroutine[Any, Any, str]]") -> str:
    """Do something in one transaction, with everything that an operator may."""
    from datetime import UTC, datetime  # noqa: PLC0415 - with the rest

    from registry.database import Database  # noqa: PLC0415 - heavy
    from registry.flows.desk import Desk  # noqa: PLC0415 - heavy

    async with Database.opened(settings) as database, database.writing() as connection:
        return await work(Desk(connection=connection, tenant=tenant, actor=ACTOR, now=datetime.now(UTC), operator=True))


async def _create(settings: "Settings", tenant: str, user: str | None, scopes: list[str], label: str) -> str:
    from registry.people import keys, rights  # noqa: PLC0415 - heavy
    from registry.problems import wrong_field  # noqa: PLC0415 - heavy
    from registry.records import Tenant as Company  # noqa: PLC0415 - heavy

    async def work(desk: "Desk") -> str:
        if await desk.one(Company, tenant) is None:
            raise wrong_field("/tenant", "unknown_tenant", "There is no such company.")
        if not set(scopes) <= set(rights.SCOPES):
            raise wrong_field("/scope", "invalid_enum", f"Use {', '.join(rights.SCOPES)}.")
        return (await keys.create(desk, user=user, scopes=scopes, label=label)).text

    return await _at_desk(settings, tenant, work)


async def _list(settings: "Settings", tenant: str | None) -> list[str]:
    import sqlalchemy as sa  # noqa: PLC0415 - heavy

    from registry.database import Database  # noqa: PLC0415 - heavy
    from registry.tables import api_keys  # noqa: PLC0415 - heavy

    wanted = sa.select(api_keys).order_by(api_keys.c.tenant, api_keys.c.id)
    if tenant is not None:
        wanted = wanted.where(api_keys.c.tenant == tenant)
    async with Database.opened(settings) as database, database.reading() as connection:
        rows = (await connection.execute(wanted)).mappings().all()
    return [
        "\t".join(
            (
                row["id"],
                row["tenant"],
                row["user"] or "-",
                ",".join(row["scopes"]),
                "live" if row["revoked_at"] is None else "revoked",
                "".join(one if one.isprintable() else "?" for one in row["label"]),
            ),
        )
        for row in rows
    ]


async def _revoke(settings: "Settings", name: str) -> str:
    from dataclasses import replace  # noqa: PLC0415 - with the rest

    from registry.problems import Problem  # noqa: PLC0415 - heavy
    from registry.records import ApiKey  # noqa: PLC0415 - heavy

    async def work(desk: "Desk") -> str:
        key = await desk.one(ApiKey, name)
        if key is None:
            raise Problem("not_found")
        if key.revoked_at is not None:
            return "It was revoked before."
        await desk.save([replace(key, revoked_at=desk.now)])
        return "Revoked."

    return await _at_desk(settings, "", work)


async def _provider(settings: "Settings", name: str, shown: str) -> str:
    from registry.people import tenants  # noqa: PLC0415 - heavy

    async def work(desk: "Desk") -> str:
        tenant = await tenants.make_provider(desk, name, shown)
        return f"{tenant.id} is the provider."

    return await _at_desk(settings, name, work)
