"""a2p-gateway serve: one gateway process. Any number of them may share the port."""

from typing import Annotated

import typer


def serve(
    *,
    supervised: Annotated[bool, typer.Option("--supervised", help="End when standard input does.")] = False,
) -> None:
    """Run a gateway: the HTTP API on the public port, metrics and health on the admin port.

    Settings are read from A2P_* variables (README, "Settings"). Ends gracefully on SIGTERM and Ctrl-C: it is not ready
    any more, serves on for A2P_PRE_STOP_S, stops taking, answers what it took, and closes. A second signal ends it at
    once.
    """
    from gateway import failpoints  # noqa: PLC0415 - heavy
    from gateway.app import running  # noqa: PLC0415 - heavy
    from gateway.commands.running import run_process, settings_or_exit  # noqa: PLC0415 - heavy
    from gateway.lifetime import stop_event  # noqa: PLC0415 - heavy

    settings = settings_or_exit()

    async def main() -> None:
        failpoints.arm(settings.failpoint)
        stop = stop_event(supervised=supervised)
        async with running(settings) as gateway:
            await stop.wait()
            await gateway.leave()

    run_process(settings, main)
