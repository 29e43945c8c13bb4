"""a2p-gateway up: the whole system on this machine, on embedded parts, with a demo company and an emulated carrier."""

from pathlib import Path
from typing import Annotated

import typer

_EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "company.json"


def up(
    data_dir: Annotated[Path, typer.Option(help="Where everything is kept; a second start finds it there.")] = Path(
        "var",
    ),
    port_base: Annotated[int, typer.Option(min=1024, max=65_000, help="First of the ports, see README.")] = 8080,
    company: Annotated[
        Path,
        typer.Option(exists=True, dir_okay=False, readable=True, help="The company to import (a2p-company/1)."),
    ] = _EXAMPLE,
) -> None:
    """Start everything, send a first few messages, show what became of them, and stay up until Ctrl-C.

    Two Valkey servers, the registry, a gateway, a worker and the carrier emulator run as child processes, with logs
    in the data directory. What falls over is started again. demo.json in the data directory says where everything is.
    """
    from gateway.demo.stage import stage  # noqa: PLC0415 - heavy

    raise typer.Exit(stage(data_dir, port_base, company))
