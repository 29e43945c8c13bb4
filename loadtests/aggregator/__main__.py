"""``python -m loadtests.aggregator``: the emulator's command line, and when the process ends.

Not here: what is started (app.py) and what each setting means to the code (settings.py).
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from loadtests.aggregator.app import running
from loadtests.aggregator.settings import Settings
from loadtests.emulator import BadSettingsError, wait_until_told

_DESCRIPTION = """\
An aggregator that is not one: ties numbers to campaigns over HTTP, tells of it by signed webhooks, misbehaves on
demand. Nothing leaves this machine, nothing is registered anywhere."""

_EPILOG = """\
Try it:
  python -m loadtests.aggregator --port 8084 &
  K='Authorization: Bearer aggregator-key'
  curl -s -X PUT http://127.0.0.1:8084/v1/numbers/+12025550101 -H "$K" -d '{"campaignId": "C1", "reference": "r-1"}'
  curl -s http://127.0.0.1:8084/v1/numbers/+12025550101 -H "$K"     PENDING, and after 5 s ADDED
  curl -s http://127.0.0.1:8084/osr/+12025550101 -H "$K"            what carriers see
  curl -s http://127.0.0.1:8084/control/calls -H "$K"               everything that was asked

Rules, in order, make it misbehave (README.md has every field):
  curl -s -X PUT http://127.0.0.1:8084/control/rules -H "$K" -d '{"rules": [
    {"operation": "add", "prefix": "+1202", "times": 1, "answer": "cut_after"},
    {"operation": "add", "outcome": "failed", "reason": "CARRIER_REJECTED", "webhook": "lost"}]}'

Stops at SIGTERM, SIGINT or, with --supervised, at the end of stdin; then it exits with 0."""


def parse(arguments: Sequence[str]) -> Settings:
    """Return the settings that a command line asks for; exits with 2 and a message if it cannot be read."""
    usual = Settings()
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.aggregator",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=int, default=usual.port, help="default %(default)s; 0 lets the system choose")
    add("--host", default=usual.host, help="default %(default)s")
    add("--key", default=usual.key, help="what callers must send as Bearer token; default %(default)s")
    add("--secret", default=usual.secret, help="signs webhooks: whsec_ and base64; default: one for development")
    add("--webhook-url", default=usual.webhook_url, help="where events go; default: nowhere")
    add("--state", type=Path, metavar="FILE", help="remember over restarts; default: forget")
    add("--company", type=Path, metavar="FILE", help="a company file: its assigned numbers are ADDED from the start")
    add("--supervised", action="store_true", help="stop at the end of stdin, which the supervisor holds open")
    add("--seed", type=int, default=usual.seed, help="for rules with a probability; default %(default)s")
    add("--campaign-numbers", type=int, default=usual.campaign_numbers_max, help="without a pool; default %(default)s")
    times = parser.add_argument_group("times, in seconds").add_argument
    times("--add-seconds", type=float, default=usual.add_s, help="until ADDED; default %(default)s")
    times("--remove-seconds", type=float, default=usual.remove_s, help="until DELETED; default %(default)s")
    times("--osr-seconds", type=float, default=usual.osr_s, help="until OSR follows; default %(default)s")
    times("--retry-seconds", type=float, default=usual.retry_s, help="between tries of an event; default %(default)s")
    times("--scale", type=float, default=usual.scale, help="multiplies all of them, and those of rules")
    limits = parser.add_argument_group("limits, calls a second").add_argument
    limits("--reads", type=float, default=usual.reads_per_s, help="default %(default)s")
    limits("--writes", type=float, default=usual.writes_per_s, help="default %(default)s")
    given = parser.parse_args(arguments)
    return Settings(
        host=given.host,
        port=given.port,
        key=given.key,
        secret=given.secret,
        webhook_url=given.webhook_url,
        state=given.state,
        company=given.company,
        supervised=given.supervised,
        add_s=given.add_seconds,
        remove_s=given.remove_seconds,
        osr_s=given.osr_seconds,
        retry_s=given.retry_seconds,
        scale=given.scale,
        reads_per_s=given.reads,
        writes_per_s=given.writes,
        campaign_numbers_max=given.campaign_numbers,
        seed=given.seed,
    )


async def serve(settings: Settings) -> None:
    """Run until told to stop.

    Raises:
        BadSettingsError, OSError: it cannot start so.
    """
    async with running(settings) as aggregator:
        said = f"aggregator emulator at {aggregator.url}/"
        await wait_until_told(aggregator.stopping, supervised=settings.supervised, said=said)


def main() -> int:
    """Run the command line and return its exit status."""
    try:
        asyncio.run(serve(parse(sys.argv[1:])))
    except (BadSettingsError, OSError) as error:
        print(f"aggregator emulator: {error}", file=sys.stderr)
        return os.EX_USAGE if isinstance(error, ValueError) else os.EX_OSERR
    return 0


if __name__ == "__main__":
    sys.exit(main())
