"""``python -m tests.scenarios.crashing COMMAND``: the product with crashes planted in it, which quote what they got.

A rule, the recheck, the connector, a library's loggers, a warning, a thread and a forgotten task. With the argument
--leak the judge prints the text as well: what no test of ours may miss.
"""

import asyncio
import logging
import sys
import threading
import warnings

import gateway.logs
import gateway.work.dispatcher
from compliance.case import Case
from gateway.__main__ import main
from gateway.connectors.http_carrier import HttpCarrier
from gateway.work.worker import Worker

RULE, RECHECK, CONNECTOR = "crash the rule", "crash the recheck", "crash the connector"
#: In everything that is not of one request.
NOISE = "Zqnoise7c1e"


def plant(*, leak):
    """Have things go wrong where a text asks for it."""
    working = "work" in sys.argv
    make_case, submit, log_as_json, run = Case.__init__, HttpCarrier.submit, gateway.logs.log_as_json, Worker.run

    def crash_in_a_rule(case, facts, policy):
        text = facts.message.text
        if leak:
            print(text, file=sys.stderr, flush=True)
        if (RULE in text and not working) or (RECHECK in text and working):
            raise ValueError(f"{facts.message.sender} to {facts.message.to}: {text}")
        make_case(case, facts, policy)

    async def crash_in_the_connector(carrier, submissions):
        for one in submissions:
            if CONNECTOR in one.text:
                raise ValueError(f"{one.sender} to {one.recipient}: {one.text}")
        return await submit(carrier, submissions)

    async def run_beside_a_task_that_nobody_awaits(worker, stopping):
        crashing = asyncio.create_task(_crash(), name=NOISE)
        await asyncio.sleep(0)
        del crashing
        await run(worker, stopping)

    def log_and_make_noise(level):
        log_as_json(level)
        for name in ("aiohttp.server", "aiohttp.access", "asyncio", "redis", "uvloop", NOISE):
            logging.getLogger(name).error("%s", NOISE, exc_info=ValueError(NOISE))
            logging.getLogger(name).debug(NOISE)
        warnings.warn(NOISE, stacklevel=1)
        thread = threading.Thread(target=int, args=(NOISE,), name=NOISE)
        thread.start()
        thread.join()

    Case.__init__ = crash_in_a_rule
    HttpCarrier.submit = crash_in_the_connector
    Worker.run = run_beside_a_task_that_nobody_awaits
    gateway.logs.log_as_json = log_and_make_noise


async def _crash():
    raise ValueError(NOISE)


if __name__ == "__main__":
    leak = "--leak" in sys.argv
    sys.argv = [argument for argument in sys.argv if argument != "--leak"]
    plant(leak=leak)
    main()
