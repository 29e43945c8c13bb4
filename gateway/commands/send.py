"""a2p-gateway send: put a day of texts through the HTTP API, and count what the gateway says."""

import asyncio
import contextlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from compliance.shapes import ShapeError
from gateway.client.api import NoAnswerError, connected
from gateway.client.credentials import read_credentials
from gateway.client.day_run import Course, Ends, run_day
from gateway.client.expected import differences, read_expected
from gateway.client.plan import Plan, make_plan
from gateway.commands.send_report import Watcher, print_answers, print_differences, print_ends

NOT_AS_IT_SHOULD_BE, UNUSABLE = 1, 2

_RUN = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
#: The name of the day's file becomes part of an idempotency key, which is visible ASCII of limited length.
_NOT_IN_A_KEY = re.compile(r"[^A-Za-z0-9_.-]", re.ASCII)
_PREFIX_LENGTH: Final = 100


def send(
    *,
    day: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, readable=True, help="Messages, one JSON object a line.")
    ],
    credentials: Annotated[
        Path,
        typer.Option(exists=True, dir_okay=False, readable=True, help="Keys: from an import, or a demo.json."),
    ],
    url: Annotated[str, typer.Option(help="Where the gateway is.")] = "http://127.0.0.1:8080",
    concurrency: Annotated[int, typer.Option(min=1, max=1_024, help="Requests at once.")] = 64,
    rate: Annotated[float, typer.Option(min=0, help="Messages a second; 0: as fast as it goes.")] = 0,
    batch: Annotated[int, typer.Option(min=0, max=1_000, help="Messages a request; 0: each by itself.")] = 0,
    wait: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", help="Follow accepted messages to their end, so long.")
    ] = None,
    expect: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, readable=True, help="Records of `judge --out` to compare with."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write a line a message here: n, id, status, verdict, reason.")
    ] = None,
    run: Annotated[
        str | None, typer.Option(metavar="NAME", help="Repeat the run of this name: nothing is sent twice.")
    ] = None,
    patience: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Repeat a request without a final answer so long.")
    ] = 60,
) -> None:
    """Send a day of texts through the HTTP API and count verdicts, reasons, errors and messages a second.

    Texts typed in the app go with their user's key, those of programs with the company's. Attachments are uploaded
    first, as files of the kind and size that the day names. A conversation is sent in order, others beside it.

    Exit status: 0 all had a verdict (and the expected one, and came to an end, where that was asked for); 1 not so;
    2 a file, the address or the run's name cannot be used.
    """
    name = secrets.token_hex(4) if run is None else run
    if not _RUN.fullmatch(name) or not re.match(r"https?://[^/]", url):
        typer.echo("--run takes letters, digits, - and _; --url takes http://host:port", err=True)
        raise typer.Exit(UNUSABLE)
    course = Course(concurrency=concurrency, rate=rate, batch=batch, wait_s=wait)
    with contextlib.ExitStack() as stack:
        try:
            files = _read(day, credentials, expect, name)
            written = None if out is None else stack.enter_context(out.open("wb"))
        except (ShapeError, OSError) as wrong:
            typer.echo(wrong, err=True)
            raise typer.Exit(UNUSABLE) from None
        watcher = stack.enter_context(Watcher(out=written))
        finished = _Finished(repeats=0, ends=None)
        with contextlib.suppress(KeyboardInterrupt):  # What was done until then is shown.
            finished = asyncio.run(_run(files, course, watcher, url, patience))
    is_right = _print(finished, files, watcher)
    typer.echo(f"run {name}: the same again, nothing twice, with --run {name}")
    raise typer.Exit(0 if is_right else NOT_AS_IT_SHOULD_BE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Files:
    """What was read."""

    day: Path
    plan: Plan
    expected: Mapping[int, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finished:
    """How a run ended; without ends it broke off."""

    repeats: int
    ends: Ends | None


def _read(day: Path, credentials: Path, expect: Path | None, run: str) -> _Files:
    keys = read_credentials(credentials.read_bytes())
    prefix = _NOT_IN_A_KEY.sub("_", day.stem)[:_PREFIX_LENGTH]
    with day.open("rb") as lines:
        plan = make_plan(lines, keys, prefix=prefix, run=run)
    expected = None
    if expect is not None:
        with expect.open("rb") as records:
            expected = read_expected(records)
    return _Files(day=day, plan=plan, expected=expected)


async def _run(files: _Files, course: Course, watcher: Watcher, url: str, patience_s: float) -> _Finished:
    async with connected(url, patience_s=patience_s) as api:
        try:
            ends = await run_day(files.plan, course, api, watcher)
        except NoAnswerError as silent:
            typer.echo(f"{url} does not answer ({silent}): broken off", err=True)
            return _Finished(repeats=api.repeats, ends=None)
        return _Finished(repeats=api.repeats, ends=ends)


def _print(finished: _Finished, files: _Files, watcher: Watcher) -> bool:
    """Print everything about the run; whether it was as it should be."""
    plan, ends = files.plan, finished.ends
    print_answers(watcher, finished.repeats)
    for number, wrong in plan.bad_lines:
        typer.echo(f"{files.day}:{number}: {wrong}", err=True)
    for user, count in plan.without_key.items():
        typer.echo(f"{user}: no key in the credentials, {count:,} messages left out", err=True)
    left_out = len(plan.bad_lines) + plan.without_key.total()
    unsent = len(plan.messages) - len(watcher.outcomes)
    if left_out or unsent:
        typer.echo(f"{left_out:,} left out, {unsent:,} without an answer when the run broke off", err=True)
    is_right = ends is not None and not left_out and all(one.verdict is not None for one in watcher.outcomes)
    if ends is not None and ends.statuses:
        print_ends(ends)
        is_right = is_right and not ends.unfinished
    if files.expected is not None:
        different = differences(files.expected, watcher.outcomes)
        print_differences(different)
        is_right = is_right and not different
    return is_right
