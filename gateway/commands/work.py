"""a2p-gateway work: one worker process. Several share the queue's partitions by lease."""

from typing import Annotated

import typer


def work(
    *,
    supervised: Annotated[bool, typer.Option("--supervised", help="End when standard input does.")] = False,
) -> None:
    """Run a worker: takes accepted messages, judges them again, and brings each to its one end.

    Settings are read from A2P_* variables (README, "Settings"). Ends gracefully on SIGTERM and Ctrl-C: it reads no
    more, waits for what is under way, and gives its partitions back. A second one ends it at once. Killed, it loses
    nothing.
    """
    from gateway import failpoints  # noqa: PLC0415 - heavy
    from gateway.commands.running import run_process, settings_or_exit  # noqa: PLC0415 - heavy
    from gateway.lifetime import stop_event  # noqa: PLC0415 - heavy
    from gateway.worker_app import run_worker  # noqa: PLC0415 - heavy

    settings = settings_or_exit()

    async def main() -> None:
        failpoints.arm(settings.failpoint)
        await run_worker(settings, stop_event(supervised=supervised))

    run_process(settings, main)
