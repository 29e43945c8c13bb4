"""The main job on real input: a company's day of texts through the HTTP API to a carrier."""

import itertools
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import orjson
import pytest

TRAFFIC = Path(os.environ.get("A2P_TRAFFIC_DIR") or Path(__file__).resolve().parents[3] / "shared" / "traffic")
#: So much of the day: it has every kind of text, and takes seconds.
LINES = 2_000

pytestmark = [
    pytest.mark.xdist_group("up"),
    pytest.mark.timeout(600),
    pytest.mark.skipif(not (TRAFFIC / "day.ndjson").is_file(), reason=f"no day.ndjson in {TRAFFIC} (A2P_TRAFFIC_DIR)"),
]


def run(*arguments: str) -> str:
    """Run a command of ours; it must end well."""
    done = subprocess.run([sys.executable, "-m", "gateway", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def settled(day, records):
    """Leave out texts of numbers that go into a campaign, or out of one that is over: a running registry goes on."""
    lines, judged = day.read_bytes().splitlines(), records.read_bytes().splitlines()
    moving = (b"did_assignment_pending", b"campaign_expired")
    pairs = [pair for pair in zip(lines, judged, strict=True) if not any(code in pair[1] for code in moving)]
    assert len(pairs) > LINES * 0.95
    day.write_bytes(b"".join(line + b"\n" for line, _ in pairs))
    records.write_bytes(b"".join(record + b"\n" for _, record in pairs))
    return len(pairs)


def test_a_day_goes_in_is_judged_kept_and_delivered(start, tmp_path):
    """Each verdict is the judge's, each accepted text ends, and the carrier gets each external one exactly once."""
    day, records, answers = tmp_path / "day.ndjson", tmp_path / "records.jsonl", tmp_path / "answers.jsonl"
    with (TRAFFIC / "day.ndjson").open("rb") as lines:
        day.write_bytes(b"".join(itertools.islice(lines, LINES)))
    run("judge", "--company", str(TRAFFIC / "company.json"), "--day", str(day), "--out", str(records))
    taken = settled(day, records)
    up = start("day", None, "--company", str(TRAFFIC / "company.json"))
    demo = up.ready()

    said = run(
        *("send", "--day", str(day), "--credentials", str(up.data_dir / "credentials.json")),
        *("--url", demo["urls"]["gateway"], "--expect", str(records), "--out", str(answers), "--wait", "120"),
    )
    status = run("status", "--data-dir", str(up.data_dir))

    assert "0 differ" in said
    assert "0 have not come to an end" in said
    assert "accepted - ended - open         0" in status
    rows = [orjson.loads(line) for line in answers.read_bytes().splitlines()]
    external = {row["id"] for row in rows if row["status"] == 202 and row["reason"] != "ok_internal_im"}
    ledger = [orjson.loads(line) for line in (up.data_dir / "carrier-ledger.ndjson").read_bytes().splitlines()]
    received = Counter(row["reference"] for row in ledger if row["event"] == "received")
    assert len(rows) == taken
    assert {reference: received[reference] for reference in external} == dict.fromkeys(external, 1)
