"""a2p-gateway canary: one number flips, and the time until the gateway's verdict changes is measured."""

from pathlib import Path
from typing import Annotated

import typer


def canary(
    *,
    credentials: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, readable=True, help="The file with api_keys and admin_keys.")
    ],
    tenant: Annotated[str, typer.Option(help="Whose number it is.")],
    number: Annotated[str, typer.Option(help="The number that flips, E.164; nobody should need it.")],
    campaign: Annotated[str, typer.Option(help="The campaign that it is assigned to.")],
    to: Annotated[str, typer.Option(help="A mobile that it could text; nothing is sent.")],
    url: Annotated[str, typer.Option(help="The gateway.")] = "http://127.0.0.1:8080",
    registry: Annotated[str, typer.Option(help="The registry's admin API.")] = "http://127.0.0.1:8081",
    every_s: Annotated[float, typer.Option(min=0.1, help="Pause between two flips there and back, in seconds.")] = 10.0,
    admin_port: Annotated[int, typer.Option(min=0, max=65_535, help="Port of /metrics, /healthz and /readyz.")] = 8093,
    supervised: Annotated[bool, typer.Option("--supervised", help="End when standard input does.")] = False,
) -> None:
    """Take a number's registration away and give it back, over and over, and time the gateway's verdict.

    What it measures is on its admin port: canary_effect_seconds, canary_failures_total. Nothing is sent. It goes on
    while the registry or the gateway is away, and counts that.
    """
    import asyncio  # noqa: PLC0415 - heavy

    import uvloop  # noqa: PLC0415 - heavy

    from compliance.shapes import ShapeError  # noqa: PLC0415 - heavy
    from gateway.client.credentials import read_admin_key, read_credentials  # noqa: PLC0415 - heavy
    from gateway.demo.canary import Part, run_canary  # noqa: PLC0415 - heavy
    from gateway.logs import log_as_json  # noqa: PLC0415 - heavy

    raw = credentials.read_bytes()
    try:
        api_key, admin_key = read_credentials(raw).api_keys.get(tenant), read_admin_key(raw, tenant)
    except ShapeError as error:
        typer.echo(f"a2p-gateway: {error}", err=True)
        raise typer.Exit(1) from None
    if api_key is None or admin_key is None:
        typer.echo("a2p-gateway: the credentials file lacks a key of the tenant: import the company again", err=True)
        raise typer.Exit(1)
    part = Part(
        gateway_url=url.rstrip("/"),
        api_key=api_key,
        registry_url=registry.rstrip("/"),
        admin_key=admin_key,
        number=number,
        campaign_id=campaign,
        recipient=to,
    )
    log_as_json("info")
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run_canary(part, every_s=every_s, admin_port=admin_port, supervised=supervised))
    except OSError as refused:
        typer.echo(f"a2p-gateway: {refused}", err=True)
        raise typer.Exit(1) from None
