"""a2p-gateway reasons: the catalogue of reasons, for people or for programs."""

from typing import Annotated, Final

import orjson
import typer
from rich import box
from rich.table import Table

from compliance.catalogue import reasons_json
from gateway.commands.tables import show

_ACCEPTED: Final = 202


def reasons(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line instead of a table.")] = False,  # noqa: FBT002 - typer's way to a switch
) -> None:
    """Show every reason code with what it means to employees, administrators and other systems."""
    rows = reasons_json()
    if as_json:
        for row in rows:
            typer.echo(orjson.dumps(row))
        return
    table = Table(box=box.SIMPLE_HEAD, show_lines=True)
    table.add_column("code", no_wrap=True)
    table.add_column("found as")
    table.add_column("HTTP if refused", width=7)
    table.add_column("to the employee", ratio=1)
    table.add_column("to the administrator", ratio=1)
    for row in rows:
        found_as = " or ".join(row["severities"]) + (", hard" if row["hard"] else "")
        http = "" if row["http"] == _ACCEPTED else str(row["http"])
        page = f"\n[dim]{row['page']}[/dim]" if row["page"] else ""
        table.add_row(row["code"], found_as, http, row["user"], row["admin"] + page)
    show(table)
