"""What the commands that run a process share: settings, logs, the loop, and a sentence instead of a traceback."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import typer
import uvloop
from pydantic import ValidationError

from compliance import PolicyError
from gateway.logs import log_as_json
from gateway.queue import QueueUnavailable
from gateway.settings import Settings

BAD_SETTINGS = 2
CANNOT_RUN = 1


def settings_or_exit() -> Settings:
    """Read the settings; exit status 2 with a line for each that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False):
            name = "_".join(str(part) for part in fault["loc"])
            typer.echo(f"A2P_{name.upper()}: {fault['msg']}", err=True)
        raise typer.Exit(BAD_SETTINGS) from None


def run_process(settings: Settings, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a process until it ends; what keeps it from running is said in a sentence, with exit status 1."""
    log_as_json(settings.log_level)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())
    except (QueueUnavailable, PolicyError, OSError) as refused:
        typer.echo(f"a2p-gateway: {refused}", err=True)
        raise typer.Exit(CANNOT_RUN) from None
