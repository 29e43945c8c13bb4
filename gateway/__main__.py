"""The command line: a2p-gateway COMMAND. Each command is a module of gateway/commands, imported when it is called."""

from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup

#: Every command, in the order of --help: its name, and where its function is. Adding one is a line here.
COMMANDS: Final = {
    "up": "gateway.commands.up:up",
    "serve": "gateway.commands.serve:serve",
    "work": "gateway.commands.work:work",
    "send": "gateway.commands.send:send",
    "status": "gateway.commands.status:status",
    "doubts": "gateway.commands.doubts:doubts",
    "orphans": "gateway.commands.orphans:orphans",
    "judge": "gateway.commands.judge:judge",
    "replay": "gateway.commands.replay:replay",
    "reasons": "gateway.commands.reasons:reasons",
    "canary": "gateway.commands.canary:canary",
}


class _Commands(TyperGroup):
    """Imports a command when it is wanted: `reasons` needs no HTTP server."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is the base class's
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - the same
        if cmd_name not in COMMANDS:
            return None
        module, _, function = COMMANDS[cmd_name].partition(":")
        one = typer.Typer(add_completion=False, rich_markup_mode="rich")
        one.command(cmd_name)(getattr(import_module(module), function))
        return typer.main.get_command(one)


app = typer.Typer(
    cls=_Commands,
    name="a2p-gateway",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)


@app.callback()
def _describe() -> None:
    """Judge business texts, keep them, deliver them, and explain every verdict."""


def main() -> None:
    """Run the command that the arguments name."""
    app()


if __name__ == "__main__":
    main()
