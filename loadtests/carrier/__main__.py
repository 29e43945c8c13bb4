"""``python -m loadtests.carrier``: the emulator's command line, and when the process ends.

Not here: what is started (app.py) and what each setting means to the code (settings.py).
"""

import argparse
import asyncio
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from loadtests.carrier.app import running
from loadtests.carrier.scenario import BadScenarioError
from loadtests.carrier.settings import Settings
from loadtests.emulator import BadSettingsError, wait_until_told

_DESCRIPTION = """\
A carrier that is not one: takes messages over HTTP, sends delivery receipts, misbehaves on demand.
Nothing leaves this machine, no phone rings."""

_EPILOG = """\
Try it:
  python -m loadtests.carrier --port 8082 --ledger carrier.ndjson &
  curl -s http://127.0.0.1:8082/messages -H 'Authorization: Bearer carrier-secret' -d '{
    "reference": "m-1", "from": "+14155550199", "to": "+12125550143", "text": "Hello",
    "receipt_url": "http://127.0.0.1:8080/carriers/http/receipts"}'
  open http://127.0.0.1:8082/           what arrives, live
  curl -s http://127.0.0.1:8082/magic   recipients that make it misbehave
  curl -s http://127.0.0.1:8082/ledger  everything that happened, one JSON line each

A scenario is rules in order, in JSON or TOML, also set at run time by PUT /scenario:
  {"name": "lossy", "rules": [
    {"match": {"seconds": [0, 2]}, "behaviour": "throttle", "retry_after": 1, "per": "request"},
    {"match": {"probability": 0.05}, "behaviour": "drop_answer"}]}

Stops at SIGTERM, SIGINT or, with --supervised, at the end of stdin; then it exits with 0.
loadtests/carrier/README.md has the wire, every behaviour, the scenario's fields and the ledger's events."""


def parse(arguments: Sequence[str]) -> Settings:
    """Return the settings that a command line asks for; exits with 2 and a message if it cannot be read."""
    usual = Settings()
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.carrier",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=int, default=usual.port, help="default %(default)s; 0 lets the system choose")
    add("--host", default=usual.host, help="default %(default)s")
    add("--token", default=usual.token, help="what submitters must send as Bearer token; default %(default)s")
    add("--secret", default=usual.secret, help="signs receipts: whsec_ and base64; default: one for development")
    add("--scenario", type=Path, metavar="FILE", help="rules to start with, JSON or TOML")
    add("--ledger", type=Path, metavar="FILE", help="append the ledger to FILE; default: kept until the process ends")
    add("--deduplicate", action="store_true", help="deliver each reference once, as some carriers do")
    add("--supervised", action="store_true", help="stop at the end of stdin, which the supervisor holds open")
    add("--seed", type=int, default=usual.seed, help="for scenarios with a probability; default %(default)s")
    add("--hang-seconds", type=float, default=usual.hang_s, help="longest silence of hang; default %(default)s")
    add("--slow-ms", type=int, default=usual.slow_ms, help="delay of slow answers; default %(default)s")
    receipts = parser.add_argument_group("receipts").add_argument
    receipts("--receipt-delay-ms", type=int, default=usual.receipt_delay_ms, help="usual delay; default %(default)s")
    receipts("--receipt-late-ms", type=int, default=usual.receipt_late_ms, help="of plan late; default %(default)s")
    receipts("--receipt-batch", type=int, default=usual.receipt_batch_max, help="most in a POST; default %(default)s")
    receipts("--receipt-senders", type=int, default=usual.receipt_senders, help="POSTs at once; default %(default)s")
    receipts("--receipt-attempts", type=int, default=usual.receipt_attempts_max, help="tries; default %(default)s")
    receipts("--receipt-backoff-ms", type=int, default=usual.receipt_backoff_ms, help="doubles; default %(default)s")
    inbound = parser.add_argument_group("texts from outside").add_argument
    inbound("--inbound-senders", type=int, default=usual.inbound_senders, help="POSTs at once; default %(default)s")
    inbound("--inbound-attempts", type=int, default=usual.inbound_attempts_max, help="tries; default %(default)s")
    given = parser.parse_args(arguments)
    return Settings(
        host=given.host,
        port=given.port,
        token=given.token,
        secret=given.secret,
        scenario=given.scenario,
        ledger=given.ledger,
        deduplicate=given.deduplicate,
        supervised=given.supervised,
        seed=given.seed,
        hang_s=given.hang_seconds,
        slow_ms=given.slow_ms,
        receipt_delay_ms=given.receipt_delay_ms,
        receipt_late_ms=given.receipt_late_ms,
        receipt_batch_max=given.receipt_batch,
        receipt_senders=given.receipt_senders,
        receipt_attempts_max=given.receipt_attempts,
        receipt_backoff_ms=given.receipt_backoff_ms,
        inbound_senders=given.inbound_senders,
        inbound_attempts_max=given.inbound_attempts,
    )


async def serve(settings: Settings) -> None:
    """Run until told to stop.

    Raises:
        BadSettingsError, BadScenarioError, OSError: it cannot start so.
    """
    async with running(settings) as carrier:
        said = f"carrier emulator at {carrier.url}/ (misbehaving numbers: {carrier.url}/magic)"
        await wait_until_told(carrier.stopping, supervised=settings.supervised, said=said)


def main() -> int:
    """Run the command line and return its exit status."""
    settings = parse(sys.argv[1:])
    # Remembered messages live long: looking through all of them for garbage every few thousand allocations costs more
    # than taking the messages in.
    gc.set_threshold(50_000, 20, 100)
    try:
        asyncio.run(serve(settings))
    except (BadSettingsError, BadScenarioError, OSError) as error:
        print(f"carrier emulator: {error}", file=sys.stderr)
        return os.EX_USAGE if isinstance(error, ValueError) else os.EX_OSERR
    return 0


if __name__ == "__main__":
    sys.exit(main())
