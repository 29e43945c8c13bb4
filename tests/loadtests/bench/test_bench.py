"""Pieces that touch the machine, and the whole program once, quickly."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from loadtests.bench.__main__ import parse
from loadtests.bench.cpu import Reading, foreign_cores, read_cpu, spent
from loadtests.bench.drain import Arrivals
from loadtests.bench.machine import doubts
from loadtests.bench.measures import stages_of
from loadtests.bench.store_load import StoreOrder, add_entries
from tests.valkey import Valkey

ROOT = Path(__file__).parent.parent.parent.parent


class TestCommandLine:
    def test_quick_is_one_round_and_can_be_refined(self):
        """Options that are given win over those that --quick brings."""
        options = parse(["--quick", "--only", "echo", "--rounds", "2"])

        assert (options.rounds, options.only, options.warm_up_texts) == (2, {"echo"}, 0)
        assert options.seconds < 1

    @pytest.mark.parametrize(
        "arguments", [["--only", "nothing"], ["--rounds", "0"], ["--seconds", "0"], ["--seconds", "x"]]
    )
    def test_what_cannot_be_measured_is_refused(self, arguments, capsys):
        """Exit status 2, as all commands."""
        with pytest.raises(SystemExit) as ended:
            parse(arguments)

        assert ended.value.code == 2
        assert arguments[0] in capsys.readouterr().err

    def test_the_whole_program_once(self, tmp_path):
        """Children start, are measured and stopped; both files are there."""
        done = subprocess.run(
            [sys.executable, "-m", "loadtests.bench", "--quick", "--only", "echo", "--out", str(tmp_path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

        assert done.returncode == 0, done.stderr
        data = orjson.loads((tmp_path / "bench.json").read_bytes())
        (only,) = data["rounds"]
        assert only["samples"]["echo"]["messages"] > 0
        assert only["unit_us"] > 0
        assert "<svg" in (tmp_path / "bench.html").read_text()

    def test_stopped_half_way_it_leaves_nothing_behind(self, tmp_path):
        """Neither processes nor files."""
        data = tmp_path / "data"
        options = ["--only", "echo", "--seconds", "60", "--out", str(tmp_path / "out"), "--data-dir", str(data)]
        bench = subprocess.Popen([sys.executable, "-m", "loadtests.bench", *options], cwd=ROOT, stderr=subprocess.PIPE)
        try:
            assert bench.stderr is not None
            while b"echo" not in bench.stderr.readline():
                assert bench.poll() is None
            deadline = time.monotonic() + 60
            while not (children := _children(bench.pid)) and time.monotonic() < deadline:
                time.sleep(0.02)
            bench.send_signal(signal.SIGTERM)
            bench.communicate(timeout=60)
        finally:
            bench.kill()
            bench.wait()

        assert children
        assert bench.returncode == 130
        assert [pid for pid in children if _runs(pid)] == []
        assert list(data.iterdir()) == []
        assert not (tmp_path / "out").exists()


def _children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _runs(pid):
    """Whether a process still does anything; one that ended and whom nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class TestCpu:
    def test_a_busy_process_is_seen(self):
        """User and system time, from the kernel."""
        watched = {"us": os.getpid()}
        before = read_cpu(watched)
        while spent(before, after := read_cpu(watched))["us"] < 0.05:
            sum(range(10_000))

        assert after.at_s > before.at_s

    def test_a_process_that_has_ended_is_left_out(self):
        """Rather than shown as having cost nothing."""
        with subprocess.Popen([sys.executable, "-c", ""]) as child:
            child.wait()

            assert read_cpu({"gone": child.pid}).processes == {}

    def test_what_others_took_is_what_the_machine_did_without_us(self):
        """In cores; a tick too many on our side is none below zero."""
        before = Reading(at_s=0.0, processes={"us": 1.0}, machine=10.0)

        assert foreign_cores(before, Reading(at_s=2.0, processes={"us": 2.0}, machine=12.0)) == 0.5
        assert foreign_cores(before, Reading(at_s=2.0, processes={"us": 3.0}, machine=11.9)) == 0.0


class TestMachine:
    @pytest.mark.parametrize(("load", "kind", "count"), [(0.5, "ext4", 0), (0.51, "ext4", 1), (0.1, "tmpfs", 1)])
    def test_a_busy_machine_and_a_disk_that_is_none_are_doubted(self, load, kind, count):
        """Both make figures that mislead: too slow, too fast."""
        assert len(doubts({"load_average": load, "file_system": kind})) == count


class TestArrivals:
    def test_what_the_carrier_took_is_counted_once_each(self, tmp_path):
        """Doubles are seen, refusals and receipts are no arrivals, half a line is left for later."""
        ledger = tmp_path / "ledger"
        events = [
            {"event": "started", "at_ns": 1},
            {"event": "received", "at_ns": 5, "reference": "m-1", "taken": True},
            {"event": "received", "at_ns": 6, "reference": "m-2", "taken": False},
            {"event": "receipt", "at_ns": 7, "reference": "m-1"},
            {"event": "received", "at_ns": 9, "reference": "m-1", "taken": True},
        ]
        whole = b"".join(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE) for event in events)
        arrivals = Arrivals(ledger)
        ledger.write_bytes(whole[:-10])
        early = arrivals.look(), arrivals.taken
        ledger.write_bytes(whole)

        assert (early, arrivals.look(), arrivals.taken) == ((1, 1), 1, 2)
        assert (arrivals.first_ns, arrivals.last_ns) == (5, 9)


def test_stages_are_means_between_two_scrapes():
    """What the gateway did before does not count."""
    before = {"gateway_decision_seconds_sum": 1.0, "gateway_decision_seconds_count": 1.0}
    after = {
        "gateway_decision_seconds_sum": 1.0004,
        "gateway_decision_seconds_count": 5.0,
        "gateway_accept_seconds_sum": 0.02,
        "gateway_accept_seconds_count": 4.0,
        "gateway_flush_seconds_sum": 0.0,
        "gateway_flush_seconds_count": 0.0,
        "gateway_flush_messages_sum": 0.0,
        "gateway_flush_messages_count": 0.0,
    }

    stages = stages_of(before, after)

    assert stages == pytest.approx({"decision_us": 100.0, "accept_us": 5_000.0, "flush_us": 0.0, "flush_messages": 0.0})


def test_the_store_load_adds_entries_in_pipelines():
    """A pipeline of n is n entries in flight; the count is bounded, and nothing of the warm-up is left."""
    with Valkey() as store:
        order = StoreOrder(
            socket=str(store.socket),
            in_flight=8,
            entry_bytes=300,
            warm_up_s=0.05,
            seconds=30.0,
            entries_max=80,
            watched={},
        )
        report = add_entries(StoreOrder.load(order.dump()))

    assert report.requests == 10
    assert report.p50_ms is not None
