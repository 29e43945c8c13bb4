"""The command a2p-registry preflight: the same answer as GET /v1/preflight, straight from the database.

Heavy imports are inside the functions, so that --help is quick.
"""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from registry.preflight.look import Preflight
    from registry.settings import Settings

#: Makes the settings of options that were given.
Configure = Callable[..., "Settings"]
#: Runs a coroutine in a loop of its own.
Run = Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]


def add_to(app: typer.Typer, configure: Configure, run: Run) -> None:
    """Add the command to the command line."""

    @app.command()
    def preflight(
        tenant: Annotated[str, typer.Option(help="The company's id.")],
        to: Annotated[str, typer.Option(help="Whom to text: a phone number, user:<id> or ext:<digits>.")],
        from_: Annotated[str | None, typer.Option("--from", help="The number to text from.")] = None,
        user: Annotated[str | None, typer.Option(help="Who texts, where --from is left out.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Answer as GET /v1/preflight does.")] = False,  # noqa: FBT002 - an option
        data_dir: Annotated[Path | None, typer.Option(help="Where the embedded database lives. (default: var)")] = None,
        database_url: Annotated[
            str | None,
            typer.Option(help="SQLAlchemy URL of the database. (default: SQLite, registry.db in the data directory)"),
        ] = None,
    ) -> None:
        """Say whether a number may text somebody now and, if not, the shortest way to yes.

        Judges an ordinary text, typed in the app, as the gateway would; nothing is sent. Exit status 0: it may go.
        1: not yet, or never; the terminal says what to do.
        """
        if (from_ is None) == (user is None):
            raise typer.BadParameter("name either --from or --user")
        settings = configure(data_dir=data_dir, database_url=database_url)
        found = run(lambda: _look(settings, tenant, to, from_, user))
        if isinstance(found, str):
            typer.secho(f"a2p-registry: {found}", err=True, fg=typer.colors.RED)
            raise typer.Exit(1)
        typer.echo(_json(found) if as_json else "\n".join(_lines(found)))
        if not found.can_send:
            raise typer.Exit(1)


async def _look(settings: "Settings", tenant: str, to: str, number: str | None, user: str | None) -> "Preflight | str":
    """Return the answer, or why there is none."""
    from registry.commands import find  # noqa: PLC0415 - heavy
    from registry.database import Database  # noqa: PLC0415 - heavy
    from registry.flows.desk import Limits  # noqa: PLC0415 - heavy
    from registry.preflight.look import Asked, look  # noqa: PLC0415 - heavy
    from registry.problems import PROBLEMS, Problem  # noqa: PLC0415 - heavy
    from registry.records import Tenant  # noqa: PLC0415 - heavy

    limits = Limits(numbers_per_campaign=settings.numbers_per_campaign)
    async with Database.opened(settings) as database, database.reading() as connection:
        if "\x00" in tenant or not await find(connection, Tenant, {(tenant,)}):
            return "there is no such company: name one by its id"
        try:
            return await look(connection, Asked(tenant, to, number=number, user=user), limits)
        except Problem as problem:
            if problem.code == "not_found":
                return "the company has no such number"
            return PROBLEMS[problem.code].fix


def _json(found: "Preflight") -> str:
    import orjson  # noqa: PLC0415 - heavy

    return orjson.dumps(found.shown(), option=orjson.OPT_INDENT_2).decode()


def _lines(found: "Preflight") -> list[str]:
    """Write the answer for people; numbers are masked, as in every sentence for administrators."""
    shown = found.shown()
    lines = [f"{shown['verdict']}  {shown['reason']['code']}", f"  {shown['reason']['text']}"]
    for place, step in enumerate(shown["steps"], 1):
        where = f" [{step['page']}]" if step["page"] else ""
        lines += [f"{place}. {step['actor']}: {step['action']}{where}  ({step['usual']['text']})", f"   {step['why']}"]
    if "dead_end" in shown:
        lines.append(f"No step leads there. {shown['dead_end']['text']}")
    return lines
