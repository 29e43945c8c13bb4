"""a2p-gateway serve: one gateway process. Any number of them may share the port."""

from typing import Annotated

import typer


def serve(
    *,
    supervised: Annotated[bool, typer.Option("--supervised", help="End when standard input does.")] = False,
) -> None:
    """Run a gateway: the HTTP API on the public port, metrics and health on the admin port.

    Settings are read from A2P_* variables (README, "Settings"). Ends gracefully on SIGTERM and Ctrl-C: it stops taking,
    answers what it took, and closes.
    """
    from gateway.app import running  # noqa: PLC0415 - heavy
    from gateway.commands.running import run_process, settings_or_exit  # noqa: PLC0415 - heavy
    from gateway.lifetime import stop_event  # noqa: PLC0415 - heavy

    settings = settings_or_exit()

    async def main() -> None:
        stop = stop_event(supervised=supervised)
        async with running(settings):
            await stop.wait()

    run_process(settings, main)
