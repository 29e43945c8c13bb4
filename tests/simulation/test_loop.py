"""The loop of the simulation: virtual, drawn, and the same again for the same seed."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation import loop as loops
from tests.simulation.loop import Process, StuckError
from tests.simulation.world import simulate

ROOT = Path(__file__).resolve().parents[2]


async def story(loop):
    """Ten tasks that meet now and then; who spoke when."""
    said = []

    async def speak(name):
        for _ in range(5):
            await asyncio.sleep(1.0)
            said.append((loop.time(), name))

    await asyncio.gather(*(speak(name) for name in range(10)))
    return tuple(said)


class TestTime:
    def test_a_day_takes_no_time(self):
        """The clock jumps to the next timer; nobody waits for it."""

        async def sleep(loop):
            await asyncio.sleep(86_400)
            return loop.time()

        assert loops.run(1, sleep) == 86_400

    def test_what_never_comes_is_found_out(self):
        """A run that waits for nothing fails instead of hanging."""

        async def wait(_):
            await asyncio.Event().wait()

        with pytest.raises(StuckError, match="nothing will ever happen"):
            loops.run(1, wait)

    def test_a_loop_without_end_is_found_out(self):
        """So does one in which time stands still."""

        async def spin(_):
            while True:  # noqa: ASYNC110 - the mistake that is to be found
                await asyncio.sleep(0)

        with pytest.raises(StuckError, match="time does not go on"):
            loops.run(1, spin)


class TestOrder:
    def test_the_same_seed_is_the_same_run(self):
        """Everything is drawn from the seed."""
        assert len({loops.run(7, story) for _ in range(5)}) == 1

    def test_another_seed_is_another_run(self):
        """What is ready at one moment runs in a drawn order, at the same times."""
        told = [loops.run(seed, story) for seed in range(20)]

        assert len(set(told)) == 20
        assert len({tuple(at for at, _ in said) for said in told}) == 1


class TestProcesses:
    def stopped_for(self, how):
        """Let two processes count seconds, of which one is stopped at 2.5 s; what each counted by 10 s."""

        async def live(loop):
            counted = {"one": [], "other": []}

            async def count(name):
                while True:
                    await asyncio.sleep(1.0)
                    counted[name].append(loop.time())

            processes = {name: Process(name) for name in counted}
            for name, process in processes.items():
                process.start(count(name))
            await asyncio.sleep(2.5)
            loop.stop_process(processes["one"])
            await asyncio.sleep(4.0)
            how(loop, processes["one"])
            await asyncio.sleep(3.6)
            seen = {name: list(times) for name, times in counted.items()}
            await loops.end_all(loop, list(processes.values()))
            return seen

        return loops.run(3, live)

    def test_a_frozen_process_misses_the_time_that_passed(self):
        """Its timer is due at once when it goes on; nobody else noticed anything."""
        seen = self.stopped_for(lambda loop, process: loop.go_on(process))

        assert seen["one"] == [1, 2, 6.5, 7.5, 8.5, 9.5]
        assert seen["other"] == list(range(1, 11))

    def test_a_killed_process_never_runs_again(self):
        """No line of it does, not even what should clean up."""
        assert self.stopped_for(lambda *_: None)["one"] == [1, 2]


class TestARun:
    def test_the_same_seed_is_the_same_run(self):
        """To the last call: so a seed that failed fails again, traced or not."""
        first, second = simulate(11, tracing=True), simulate(11, tracing=True)

        assert len(first.trace) > 100
        assert first.trace == second.trace
        assert simulate(11).steps == first.steps

    def test_another_seed_is_another_run(self):
        """Seeds are worth trying because they differ."""
        assert len({simulate(seed).steps for seed in range(6)}) == 6

    def test_a_run_is_the_same_in_every_process(self):
        """Python hashes words differently each time it starts; nothing in a run may hang on that."""
        told = [
            subprocess.run(
                [sys.executable, "-m", "tests.simulation", "--seeds", "101-106", "--trace"],
                env=os.environ | {"PYTHONHASHSEED": seed},
                cwd=ROOT,
                capture_output=True,
                check=True,
                timeout=100,
            ).stdout.rpartition(b"6 seeds")[0]  # The last line says how long it took.
            for seed in ("1", "2")
        ]

        assert len(told[0]) > 10_000
        assert told[0] == told[1]
