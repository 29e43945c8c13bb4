"""The run: which measures there are, and their rounds, interleaved, so that whatever drifts, drifts for all."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import orjson

from loadtests.bench import measures, stand
from loadtests.bench.drain import drain
from loadtests.bench.load_wire import write_calls
from loadtests.bench.machine import describe_machine, doubts
from loadtests.bench.measures import Bench, Measure
from loadtests.bench.options import Options
from loadtests.bench.results import BenchError, Inside, Round, Run
from loadtests.bench.traffic import batches, singles
from loadtests.bench.worker_stages import STAGES_NAME, worker_stages
from loadtests.bench.yardstick import unit_us
from loadtests.children import ChildError, Ground, checkout, ground, python
from loadtests.company import make_company

#: In this order in each round.
MEASURES: Final = (
    Measure(name="echo", title="Bare aiohttp echo, 64 connections", group="accept", take=measures.echo),
    Measure(
        name="single",
        title="Accept, one text a request, 64 connections",
        group="accept",
        take=measures.single,
        needs_product=True,
    ),
    Measure(
        name="batch",
        title="Accept, 100 texts a request, 4 connections",
        group="accept",
        take=measures.batch,
        needs_product=True,
    ),
    Measure(
        name="drain-1",
        title="Worker to carrier, one text a request",
        group="drain",
        take=drain(1),
        needs_product=True,
    ),
    Measure(
        name="drain-50",
        title="Worker to carrier, 50 texts a request",
        group="drain",
        take=drain(50),
        needs_product=True,
    ),
    Measure(
        name=STAGES_NAME,
        title="Worker to carrier, 50 texts a request, profiled",
        group="profile",
        take=worker_stages,
        needs_product=True,
    ),
    Measure(name="store-1", title="XADD with fsync, 1 in flight", group="store", take=measures.store_one),
    Measure(name="store-64", title="XADD with fsync, 64 in flight", group="store", take=measures.store_many),
)
#: The judge's own benchmark, which is a child of its own.
INSIDE: Final = (
    ("compliance", "The judge by itself", "tests.bench_compliance"),
    ("send", "An accept by itself, stage by stage", "tests.bench_send"),
    ("levers", "What makes it quick, with and without", "tests.bench_levers"),
)

#: A sample during which others took more of a core than this is disturbed.
_FOREIGN_CORES_MAX: Final = 0.125
_INSIDE_S: Final = 180.0
#: As long as real keys are; the echo does not look at them.
_STAND_IN_KEY: Final = "a2p_" + "x" * 40

#: Told the title of what begins.
Progress = Callable[[str], None]


def chosen(options: Options) -> list[Measure]:
    """Return the measures that were asked for."""
    return [measure for measure in MEASURES if not options.only or measure.name in options.only]


def run(options: Options, environment: Mapping[str, str], progress: Progress) -> Run:
    """Measure. environment is what children inherit. BenchError or ChildError when the run is worth nothing."""
    wanted = chosen(options)
    with ground(environment, options.data_dir) as place:
        started_at = datetime.now(UTC).isoformat(timespec="seconds")
        machine = describe_machine(place.folder)
        with contextlib.ExitStack() as stack:
            bench = _prepare(options, place, wanted, stack, progress)
            rounds = [_round(bench, wanted, number, progress) for number in range(1, options.rounds + 1)]
        warnings = [*doubts(machine), *_disturbed(wanted, rounds)]
        inside = list(_inside(options, place, progress, warnings))
    return Run(
        started_at=started_at,
        machine=machine,
        options={
            "rounds": options.rounds,
            "seconds": options.seconds,
            "warm_up_s": options.warm_up_s,
            "warm_up_texts": options.warm_up_texts,
            "drain_messages": options.drain_messages,
            "judge_rounds": options.judge_rounds,
            "only": sorted(options.only),
        },
        rounds=rounds,
        inside=inside,
        warnings=warnings,
    )


def _prepare(
    options: Options,
    place: Ground,
    wanted: Sequence[Measure],
    stack: contextlib.ExitStack,
    progress: Progress,
) -> Bench:
    """Start what all rounds share, and write the requests."""
    progress("registry")
    company = make_company()
    registry = None
    if any(measure.needs_product for measure in wanted):
        registry = stack.enter_context(stand.registry(place, company))
    user_keys = dict.fromkeys(company.senders, _STAND_IN_KEY) if registry is None else registry.user_keys
    single_file, batch_file = place.folder / "singles.json", place.folder / "batches.json"
    write_calls(single_file, singles(company, user_keys))
    write_calls(batch_file, batches(company, _STAND_IN_KEY if registry is None else registry.tenant_key))
    return Bench(options=options, ground=place, singles=single_file, batches=batch_file, registry=registry)


def _round(bench: Bench, wanted: Sequence[Measure], number: int, progress: Progress) -> Round:
    samples = {}
    for measure in wanted:
        progress(f"round {number}: {measure.title}")
        try:
            samples[measure.name] = measure.take(bench)
        except (BenchError, ChildError) as error:
            raise BenchError(f"{measure.name}, round {number}: {error}") from error
    return Round(unit_us=unit_us(), samples=samples)


def _disturbed(wanted: Sequence[Measure], rounds: Sequence[Round]) -> list[str]:
    """Say in which measures others took a share of the cores, and where the gateway turned texts away."""
    found = []
    for measure in wanted:
        shares = [one.samples[measure.name].foreign_cores or 0.0 for one in rounds]
        count = sum(share > _FOREIGN_CORES_MAX for share in shares)
        if count:
            found.append(f"{measure.name} in {count} of {len(rounds)} rounds, up to {max(shares):.2f} cores")
    warnings = [f"Other processes took a share of the cores: {'; '.join(found)}."] if found else []
    refused = {
        measure.name: sum(one.samples[measure.name].details.get("refused_requests", 0.0) for one in rounds)
        for measure in wanted
    }
    if any(refused.values()):
        words = "; ".join(f"{name} {count:,.0f} times" for name, count in refused.items() if count)
        warnings.append(f"The gateway was too busy and told the load tool to come again: {words}.")
    return warnings


def _inside(options: Options, place: Ground, progress: Progress, warnings: list[str]) -> Iterator[Inside]:
    """Run what measures the code by itself. That one fails is a warning: everything else was measured."""
    for name, title, module in INSIDE:
        asked = name in options.only or not options.only
        if not asked or not (checkout() / module.replace(".", "/")).with_suffix(".py").exists():
            continue
        progress(title)
        written = place.folder / f"{name}.json"
        wanted = ["--rounds", str(options.judge_rounds), "--out", str(written)]
        try:
            table = place.run(module, python(module, *wanted), timeout_s=_INSIDE_S)
        except (BenchError, ChildError) as error:
            warnings.append(str(error))
        else:
            yield Inside(name=name, title=title, table=table.decode(), data=orjson.loads(written.read_bytes()))
