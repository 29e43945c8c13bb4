"""The run: interleaved rounds of both peers, what they say side by side, and the file for programs."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

from loadtests.bench import stand
from loadtests.bench.figures import Spread, ratio
from loadtests.bench.load_wire import write_calls
from loadtests.bench.machine import describe_machine, doubts
from loadtests.bench.results import BenchError, Sample
from loadtests.bench.traffic import batches, singles
from loadtests.children import ChildError, Ground, ground
from loadtests.company import make_company
from loadtests.peers.kannel import Boxes
from loadtests.peers.measures import Peers, kannels, ours
from loadtests.peers.traffic import for_kannel, lists_for_kannel

FORMAT: Final = "a2p-peers/1"
#: A sample during which others took more of a core than this is disturbed.
_FOREIGN_CORES_MAX: Final = 0.125

#: Told the title of what begins.
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How much is measured, and where it goes."""

    rounds: int = 5
    #: Texts of one sample, one a request and in batches; and those before, unmeasured.
    single_texts: int = 12_000
    batch_texts: int = 24_000
    warm_up_texts: int = 6_000
    #: Where peers.json goes.
    out: Path = Path("bench-out")
    #: Where the stores' data lives while it runs; None: the system's folder for temporary files.
    data_dir: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One peer, one way of sending."""

    name: str
    title: str
    take: Callable[[Peers], Sample]


#: In this order in each round: what is compared stands side by side.
MEASURES: Final = (
    Measure(
        name="ours-single", title="Ours, one text a request, 64 connections", take=lambda at: ours(at, batch=False)
    ),
    Measure(
        name="kannel-single",
        title="Kannel, one text a request, 64 connections",
        take=lambda at: kannels(at, batch=False),
    ),
    Measure(name="ours-batch", title="Ours, 100 texts a request, 4 connections", take=lambda at: ours(at, batch=True)),
    Measure(
        name="kannel-batch",
        title="Kannel, 100 recipients a request, 4 connections",
        take=lambda at: kannels(at, batch=True),
    ),
)
#: Title, ours, theirs, and the goal that is printed beside what was reached, and never asserted.
RATIOS: Final = (
    ("delivered, one text a request: ours / Kannel", "ours-single", "kannel-single", 1.2),
    ("delivered, 100 a request: ours / Kannel", "ours-batch", "kannel-batch", 4.0),
)

Round = Mapping[str, Sample]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A ratio over all rounds."""

    title: str
    #: None where no round has both.
    reached: Spread | None
    goal: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Everything that one run found."""

    #: RFC 3339.
    started_at: str
    machine: Mapping[str, Any]
    options: Mapping[str, Any]
    rounds: Sequence[Round]
    #: What speaks against trusting these figures, in sentences.
    warnings: Sequence[str]


def run(options: Options, environment: Mapping[str, str], boxes: Boxes, progress: Progress) -> Result:
    """Measure. environment is what children inherit. BenchError or ChildError when the run is worth nothing."""
    with ground(environment, options.data_dir) as place, contextlib.ExitStack() as stack:
        started_at = datetime.now(UTC).isoformat(timespec="seconds")
        machine = describe_machine(place.folder)
        progress("registry")
        peers = _prepare(place, boxes, options, stack)
        rounds = [_round(peers, options, number, progress) for number in range(1, options.rounds + 1)]
    return Result(
        started_at=started_at,
        machine=machine,
        options={name: getattr(options, name) for name in ("rounds", "single_texts", "batch_texts", "warm_up_texts")},
        rounds=rounds,
        warnings=[*doubts(machine), *_disturbed(rounds)],
    )


def _prepare(place: Ground, boxes: Boxes, options: Options, stack: contextlib.ExitStack) -> Peers:
    """Start what all rounds share, and write the requests."""
    company = make_company()
    registry = stack.enter_context(stand.registry(place, company))
    mine, many = singles(company, registry.user_keys), batches(company, registry.tenant_key)
    calls = {
        "ours-single": mine,
        "ours-batch": many,
        "kannel-single": for_kannel(mine),
        "kannel-batch": lists_for_kannel(many),
    }
    files = {name: place.folder / f"{name}.json" for name in calls}
    for name, file in files.items():
        write_calls(file, calls[name])
    return Peers(
        ground=place,
        boxes=boxes,
        registry=registry,
        single_texts=options.single_texts,
        batch_texts=options.batch_texts,
        warm_up_texts=options.warm_up_texts,
        calls=files,
    )


def _round(peers: Peers, options: Options, number: int, progress: Progress) -> Round:
    samples = {}
    for measure in MEASURES:
        progress(f"round {number} of {options.rounds}: {measure.title}")
        try:
            samples[measure.name] = measure.take(peers)
        except (BenchError, ChildError) as error:
            raise BenchError(f"{measure.name}, round {number}: {error}") from error
    return samples


def _disturbed(rounds: Sequence[Round]) -> list[str]:
    """Say in which measures others took a share of the cores."""
    found = []
    for measure in MEASURES:
        shares = [one[measure.name].foreign_cores or 0.0 for one in rounds if measure.name in one]
        count = sum(share > _FOREIGN_CORES_MAX for share in shares)
        if count:
            found.append(f"{measure.name} in {count} of {len(shares)} rounds, up to {max(shares):.2f} cores")
    return [f"Other processes took a share of the cores: {'; '.join(found)}."] if found else []


def pairs(rounds: Sequence[Round]) -> list[Pair]:
    """Put the peers side by side: each ratio is taken within a round."""
    return [
        Pair(
            title=title,
            goal=goal,
            reached=Spread.over(
                ratio(one[mine].per_second, one[theirs].per_second) for one in rounds if mine in one and theirs in one
            ),
        )
        for title, mine, theirs, goal in RATIOS
    ]


def write_file(result: Result, out: Path) -> Path:
    """Write peers.json into a folder, which is made. OSError when it cannot be."""
    out.mkdir(parents=True, exist_ok=True)
    document = {
        "format": FORMAT,
        "started_at": result.started_at,
        "machine": result.machine,
        "options": result.options,
        "warnings": result.warnings,
        "rounds": [
            {name: {"per_second": sample.per_second, **asdict(sample)} for name, sample in one.items()}
            for one in result.rounds
        ],
        "ratios": [asdict(pair) for pair in pairs(result.rounds)],
    }
    file = out / "peers.json"
    file.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    return file
