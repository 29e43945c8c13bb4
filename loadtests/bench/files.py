"""Writes what a run found: bench.json for programs, bench.html for people."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import orjson

from loadtests.bench.page import render_page
from loadtests.bench.results import Run, Sample
from loadtests.bench.summary import Summary

FORMAT: Final = "a2p-bench/1"


def write_files(run: Run, summary: Summary, out: Path) -> None:
    """Write both files into a folder, which is made. OSError when it cannot be."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "bench.json").write_bytes(orjson.dumps(_document(run, summary), option=orjson.OPT_INDENT_2))
    (out / "bench.html").write_text(render_page(run, summary), encoding="utf-8")


def _document(run: Run, summary: Summary) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "started_at": run.started_at,
        "machine": run.machine,
        "options": run.options,
        "warnings": run.warnings,
        "rounds": [
            {"unit_us": one.unit_us, "samples": {name: _sample(sample) for name, sample in one.samples.items()}}
            for one in run.rounds
        ],
        "summary": asdict(summary),
        "inside": {one.name: one.data for one in run.inside},
    }


def _sample(sample: Sample) -> dict[str, Any]:
    return {"per_second": sample.per_second, **asdict(sample)}
