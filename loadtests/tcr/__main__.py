"""``python -m loadtests.tcr``: the emulator's command line, and when the process ends.

Not here: what is started (app.py) and what each setting means to the code (settings.py).
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from loadtests.emulator import BadSettingsError, wait_until_told
from loadtests.tcr.app import running
from loadtests.tcr.book import BadStateError
from loadtests.tcr.company import BadCompanyError
from loadtests.tcr.settings import Pace, Settings

_DESCRIPTION = """\
A Campaign Registry that is not one: takes brands and campaigns over the CSP API, reviews them in seconds, tells what
became of them by signed webhooks, misbehaves on demand. Nothing leaves this machine, nothing is registered."""

_EPILOG = """\
Try it:
  python -m loadtests.tcr --port 8083 --hook-url http://127.0.0.1:8081/hooks/tcr &
  curl -s -u tcr-key:tcr-secret http://127.0.0.1:8083/v2/brand
  curl -s -u tcr-key:tcr-secret http://127.0.0.1:8083/_control
  curl -s -u tcr-key:tcr-secret http://127.0.0.1:8083/_control/CAAAAA1/operate -d '{
    "carrier": "tmobile", "status": "SUSPENDED", "reasons": ["spam complaints"]}'

Stops at SIGTERM, SIGINT or, with --supervised, at the end of stdin; then it exits with 0.
loadtests/tcr/README.md has the routes, the magic words, the faults and the control API."""


def parse(arguments: Sequence[str]) -> Settings:
    """Return the settings that a command line asks for; exits with 2 and a message if it cannot be read."""
    usual, pace = Settings(), Pace()
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.tcr",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=int, default=usual.port, help="default %(default)s; 0 lets the system choose")
    add("--host", default=usual.host, help="default %(default)s")
    add("--key", default=usual.key, help="user of Basic authentication; default %(default)s")
    add("--secret", default=usual.secret, help="its password, which signs webhooks, too; default %(default)s")
    add("--hook-url", default=usual.hook_url, help="subscribe this address to everything; default: nobody")
    add("--state", type=Path, metavar="FILE", help="keep what is known in FILE; default: forgotten at the end")
    add("--company", type=Path, metavar="FILE", help="know the brands and campaigns of this company file")
    add("--supervised", action="store_true", help="stop at the end of stdin, which the supervisor holds open")
    add("--seed", type=int, default=usual.seed, help="of the ids; default %(default)s")
    add("--hang-seconds", type=float, default=usual.hang_s, help="longest silence of hang; default %(default)s")
    limits = parser.add_argument_group("rate limits").add_argument
    limits("--reads", type=int, default=usual.reads_per_s, help="GETs in a second; default %(default)s")
    limits("--writes", type=int, default=usual.writes_per_10s, help="others in ten seconds; default %(default)s")
    times = parser.add_argument_group("how long reviews take, in seconds").add_argument
    times("--brand-seconds", type=float, default=pace.brand_s, help="identity of a brand; default %(default)s")
    times("--vetting-seconds", type=float, default=pace.vetting_s, help="external vetting; default %(default)s")
    times("--share-seconds", type=float, default=pace.share_s, help="the partner's answer; default %(default)s")
    times("--dca-seconds", type=float, default=pace.dca_s, help="the aggregators' review; default %(default)s")
    times("--carrier-seconds", type=float, default=pace.carrier_s, help="the carriers' answers; default %(default)s")
    hooks = parser.add_argument_group("webhooks").add_argument
    hooks("--hook-attempts", type=int, default=usual.hook_attempts_max, help="tries; default %(default)s")
    hooks("--hook-backoff", type=float, default=usual.hook_backoff_s, help="seconds, doubles; default %(default)s")
    given = parser.parse_args(arguments)
    return Settings(
        host=given.host,
        port=given.port,
        key=given.key,
        secret=given.secret,
        hook_url=given.hook_url,
        state=given.state,
        company=given.company,
        supervised=given.supervised,
        seed=given.seed,
        hang_s=given.hang_seconds,
        reads_per_s=given.reads,
        writes_per_10s=given.writes,
        hook_attempts_max=given.hook_attempts,
        hook_backoff_s=given.hook_backoff,
        pace=Pace(
            brand_s=given.brand_seconds,
            vetting_s=given.vetting_seconds,
            share_s=given.share_seconds,
            dca_s=given.dca_seconds,
            carrier_s=given.carrier_seconds,
        ),
    )


async def serve(settings: Settings) -> None:
    """Run until told to stop.

    Raises:
        BadSettingsError, BadStateError, BadCompanyError, OSError: it cannot start so.
    """
    async with running(settings) as tcr:
        said = f"TCR emulator at {tcr.url}/v2 (control: {tcr.url}/_control)"
        await wait_until_told(tcr.stopping, supervised=settings.supervised, said=said)


def main() -> int:
    """Run the command line and return its exit status."""
    settings = parse(sys.argv[1:])
    try:
        asyncio.run(serve(settings))
    except (BadSettingsError, BadStateError, BadCompanyError, OSError) as error:
        print(f"TCR emulator: {error}", file=sys.stderr)
        return os.EX_USAGE if isinstance(error, ValueError) else os.EX_OSERR
    return 0


if __name__ == "__main__":
    sys.exit(main())
