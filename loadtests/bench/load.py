"""The load tool: ``python -m loadtests.bench.load`` sends what standard input orders and reports on standard output.

Only what is answered within the measured time counts, and the CPU clocks are read at its two ends, by the same process
that sends: so rates, latencies and CPU belong to the same messages.

Not here: the bytes on the connection (http_client.py).
"""

import asyncio
import gc
import os
import sys
import time
from pathlib import Path
from typing import Any, Final

import orjson
import uvloop

from loadtests.bench.cpu import Reading, foreign_cores, read_cpu, spent
from loadtests.bench.figures import percentile
from loadtests.bench.http_client import Answer, BadAnswerError, Connection, encode_call
from loadtests.bench.load_wire import LoadOrder, LoadReport, read_calls

LOAD_TOOL: Final = "load tool"
#: Seconds that the last answers may take.
_PATIENCE_S: Final = 15.0
_GOOD: Final = range(200, 300)
_NOT_NOW: Final = frozenset({429, 503})


class _Load:
    """One run: what goes out next, what came back, when it is enough."""

    def __init__(self, order: LoadOrder) -> None:
        self._order = order
        self._mark = order.mark.encode()
        self._watched = {**order.watched, LOAD_TOOL: os.getpid()}
        self._requests = [
            encode_call(call, port=order.port, path=order.path, content_type=order.content_type)
            for call in read_calls(Path(order.calls))
        ]
        self._sent = 0
        self._answered = 0
        #: Seconds of the requests answered within the measured time.
        self._took: list[float] = []
        self._opened: Reading | None = None
        self._closed: Reading | None = None
        self._failures = 0
        self._first_failure = ""
        self._refusals = 0

    def next_request(self) -> bytes | None:
        """Return the next request; None when the time is over or all have been sent."""
        if self._closed is not None or self._sent == self._order.requests_max:
            return None
        request = self._requests[self._sent % len(self._requests)]
        self._sent += 1
        return request

    def take(self, answer: Answer, seconds: float) -> None:
        """Count an answer."""
        if self._order.patient and answer.status in _NOT_NOW:
            self._refusals += 1
            self._sent -= 1
            return
        self._answered += 1
        if answer.status not in _GOOD or (self._mark and answer.body.count(self._mark) != self._order.messages):
            self._failures += 1
            self._first_failure = self._first_failure or describe_failure(answer, self._mark)
        elif self._opened is not None and self._closed is None:
            self._took.append(seconds)
        if self._answered == self._order.requests_max:
            self.close()

    def open(self) -> None:
        """Begin to measure."""
        self._opened = read_cpu(self._watched)

    def close(self) -> None:
        """End measuring; what is under way is still waited for."""
        if self._closed is None:
            self._closed = read_cpu(self._watched)

    def report(self) -> LoadReport:
        """Say what was measured. BadAnswerError when it ended before it began."""
        if self._opened is None or self._closed is None:
            raise BadAnswerError("all requests were used up while warming up")
        ordered = sorted(self._took)
        return LoadReport(
            requests=len(ordered),
            seconds=self._closed.at_s - self._opened.at_s,
            p50_ms=percentile(ordered, 50) * 1_000 if ordered else None,
            p99_ms=percentile(ordered, 99) * 1_000 if ordered else None,
            cpu_s=spent(self._opened, self._closed),
            foreign_cores=foreign_cores(self._opened, self._closed),
            failures=self._failures,
            first_failure=self._first_failure,
            refusals=self._refusals,
        )


def describe_failure(answer: Answer, mark: bytes) -> str:
    """Say what is wrong with an answer: its status, and the code of its first line that is no good one."""
    for line in answer.body.splitlines():
        if line and (not mark or mark not in line):
            try:
                return f"{answer.status} {_code(orjson.loads(line))}"
            except orjson.JSONDecodeError:
                break
    return f"{answer.status} without a code"


def _code(problem: Any) -> str:
    if type(problem) is not dict:
        return "without a code"
    reason = problem.get("reason")
    return str(problem.get("code") or (reason.get("code") if type(reason) is dict else None) or "without a code")


async def send_load(order: LoadOrder) -> LoadReport:
    """Send the load. BadAnswerError when the server ends it, TimeoutError when it does not answer any more."""
    loop = asyncio.get_running_loop()
    load = _Load(order)
    connections: list[Connection] = []
    if order.warm_up_s == 0:
        load.open()
    timers = [loop.call_later(order.warm_up_s + order.seconds, load.close)]
    if order.warm_up_s > 0:
        timers.append(loop.call_later(order.warm_up_s, load.open))
    try:
        async with asyncio.timeout(order.warm_up_s + order.seconds + _PATIENCE_S):
            for _ in range(order.connections):
                _, connection = await loop.create_connection(lambda: Connection(load), "127.0.0.1", order.port)
                connections.append(connection)
            await asyncio.gather(*(connection.finished for connection in connections))
    finally:
        for timer in timers:
            timer.cancel()
        for connection in connections:
            connection.close()
    return load.report()


def main() -> int:
    """Read the order, send, report."""
    order = LoadOrder.load(sys.stdin.buffer.read())
    gc.disable()  # It runs for seconds and makes no cycles; a collection would look like a slow server.
    started = time.perf_counter()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            report = runner.run(send_load(order))
    except (BadAnswerError, TimeoutError, OSError) as error:
        why = str(error) or type(error).__name__
        print(f"load tool: {why}, after {time.perf_counter() - started:.1f} s", file=sys.stderr)
        return 1
    sys.stdout.buffer.write(report.dump())
    return 0


if __name__ == "__main__":
    sys.exit(main())
