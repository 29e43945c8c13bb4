"""Live through seeds again: `python -m tests.simulation 42 --trace`, `python -m tests.simulation --seeds 0-9999`."""

import argparse
import sys
import time

from tests.simulation.world import Report, simulate


def main(arguments: list[str]) -> int:
    """Run what is asked for; exit status 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seed", type=int, nargs="?", help="one seed")
    parser.add_argument("--seeds", metavar="A-B", help="all seeds from A to B")
    parser.add_argument("--trace", action="store_true", help="show everything that happened")
    options = parser.parse_args(arguments)
    if (options.seed is None) == (options.seeds is None):
        parser.error("name one seed, or --seeds A-B")
    first, _, last = (options.seeds or str(options.seed)).partition("-")
    began = time.process_time()
    broken = 0
    for seed in range(int(first), int(last or first) + 1):
        report = simulate(seed, tracing=options.trace)
        if options.trace:
            print("\n".join(report.trace))
        broken += bool(report.violations)
        if report.violations or options.seed is not None:
            print(in_words(report))
    seeds = int(last or first) - int(first) + 1
    print(f"{seeds} seeds, {broken} broken, {1000 * (time.process_time() - began) / seeds:.1f} ms of CPU each")
    return int(broken > 0)


def in_words(report: Report) -> str:
    """Say what a run was and what it broke."""
    run = report.run
    lines = [f"{report.plan}"]
    lines.append(
        f"{len(run.ledgers.lines)} lines, {len(run.ledgers.attempts)} requests, {len(run.ledgers.arrivals)} arrivals, "
        f"{report.steps} steps, settled at {report.seconds:.1f} s"
    )
    lines += [f"BROKEN {one.rule}: {one.subject} {one.words}" for one in report.violations]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
