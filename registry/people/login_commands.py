"""The command a2p-registry login: logins to the console, straight in the database, without any.

This is how the first admin comes in; later ones are invited in the console.

Heavy imports are inside the functions, so that --help is quick.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from registry.people.commands import Configure, DatabaseUrl, DataDir, Run

if TYPE_CHECKING:
    from registry.settings import Settings


#: Who gives them, for the audit.
_ACTOR: Final = "terminal"


class NewLogin(NamedTuple):
    """What somebody is to sign in with."""

    user: str
    email: str
    password: str


def add_to(app: typer.Typer, configure: Configure, run: Run) -> None:
    """Add the command to the command line."""
    login = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Gives people logins to the console.")

    @login.command(name="set")
    def set_(
        user: Annotated[str, typer.Argument(help="The person's id.")],
        email: Annotated[str, typer.Option(help="What they sign in with.")],
        data_dir: DataDir = None,
        database_url: DatabaseUrl = None,
    ) -> None:
        """Give a person a login, or another email and password. The password is asked for, or read from a pipe.

        Their sign-ins end.
        """
        if sys.stdin.isatty():
            password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        else:
            password = sys.stdin.readline().rstrip("\n")
        settings = configure(data_dir=data_dir, database_url=database_url)
        _give(run, settings, [NewLogin(user, email, password)])

    @login.command(name="import")
    def import_(
        file: Annotated[Path, typer.Argument(help="A JSON list of objects with user, email and password.")],
        data_dir: DataDir = None,
        database_url: DatabaseUrl = None,
    ) -> None:
        """Give many people logins. Who signs in with that email already keeps their password."""
        import orjson  # noqa: PLC0415 - heavy

        from registry import terminal  # noqa: PLC0415 - heavy

        settings = configure(data_dir=data_dir, database_url=database_url)
        with terminal.refusals(OSError, ValueError):
            rows = orjson.loads(file.read_bytes())
            fields = set(NewLogin._fields)
            if type(rows) is not list or not all(type(row) is dict and set(row) == fields for row in rows):
                raise ValueError(f"{file}: write a JSON list of objects with user, email and password")
        _give(run, settings, [NewLogin(**row) for row in rows], only_new=True)

    app.add_typer(login, name="login")


def _give(run: Run, settings: "Settings", new: Sequence[NewLogin], *, only_new: bool = False) -> None:
    """Give logins; a refusal ends the command with a sentence."""
    from registry import terminal  # noqa: PLC0415 - heavy
    from registry.problems import PROBLEMS, Problem  # noqa: PLC0415 - heavy

    with terminal.refusals(ValueError):
        try:
            for line in run(lambda: _put(settings, new, only_new=only_new)):
                typer.echo(line)
        except Problem as problem:
            kind = PROBLEMS[problem.code]
            fixes = [fault.fix for fault in problem.faults if fault.fix]
            raise ValueError(f"{kind.title}. {' '.join(fixes) or kind.fix}") from None


async def _put(settings: "Settings", new: Sequence[NewLogin], *, only_new: bool) -> list[str]:
    from datetime import UTC, datetime  # noqa: PLC0415 - heavy

    from registry.commands import find  # noqa: PLC0415 - heavy
    from registry.console.passwords import Passwords  # noqa: PLC0415 - heavy
    from registry.console.sessions import Sessions  # noqa: PLC0415 - heavy
    from registry.database import Database  # noqa: PLC0415 - heavy
    from registry.flows.desk import SYSTEM_ROLE  # noqa: PLC0415 - heavy
    from registry.people.logins import login_of, put_login, read_email  # noqa: PLC0415 - heavy
    from registry.problems import wrong_field  # noqa: PLC0415 - heavy
    from registry.records import User  # noqa: PLC0415 - heavy

    passwords, told = Passwords(), []
    async with Database.opened(settings) as database:
        for one in new:
            email = read_email(one.email)
            async with database.reading() as connection:
                user = (await find(connection, User, {(one.user,)})).get((one.user,))
                before = await login_of(connection, user=one.user)
            if user is None or user.left_at is not None or user.role == SYSTEM_ROLE:
                raise wrong_field("/user", "not_found", f"There is no {one.user}: give the id of a person.")
            if only_new and before is not None and before.email == email and before.password:
                continue
            kept = await passwords.hash(one.password)
            async with database.writing() as connection:
                await put_login(
                    connection,
                    email=email,
                    user=user.id,
                    tenant=user.tenant,
                    now=datetime.now(UTC),
                    actor=_ACTOR,
                    password=kept,
                    invitation=None,
                    invited_until=None,
                )
            await Sessions(database).end_others(user.id, actor=_ACTOR)
            told.append(f"{user.name} signs in as {email}.")
    return told
