"""The comparison's own pieces: what each peer is sent, what is made of rounds, and what is said without Kannel."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from loadtests.bench.drain import Arrivals
from loadtests.bench.http_client import encode_call
from loadtests.bench.load_wire import Call, LoadReport
from loadtests.bench.results import Sample
from loadtests.peers.__main__ import main, parse, print_result
from loadtests.peers.kannel import configuration, find_boxes
from loadtests.peers.measures import sample_of
from loadtests.peers.run import Result, pairs, write_file
from loadtests.peers.traffic import for_kannel, lists_for_kannel

ROOT = Path(__file__).parent.parent.parent.parent


def a_sample(rate, **fields):
    """A second at a rate."""
    return Sample(messages=rate, seconds=1.0, p50_ms=1.0, p99_ms=2.0, **fields)


def a_round(**rates):
    """Samples by name, with _ for -."""
    return {name.replace("_", "-"): a_sample(rate) for name, rate in rates.items()}


def a_result(*rounds, warnings=()):
    """A run that never took place."""
    return Result(started_at="2026-11-20T15:00:00+00:00", machine={}, options={}, rounds=rounds, warnings=warnings)


TEXT = {"from": "+12125550101", "to": "+12025550143", "text": "Ready & waiting, 50 % off é"}


class TestTraffic:
    def test_a_text_is_the_same_text_in_a_query(self):
        """Every character of it arrives."""
        (call,) = for_kannel([Call(key="k", body=orjson.dumps(TEXT).decode())])

        query = parse_qs(urlsplit(call.target).query)
        assert {name: query[name] for name in TEXT} == {name: [value] for name, value in TEXT.items()}
        assert encode_call(call, port=1, path="/unused", content_type="").startswith(b"GET /cgi-bin/sendsms?")

    def test_a_list_has_as_many_recipients_all_different(self):
        """Kannel sends nobody the same text twice, and would deliver fewer."""
        lines = [TEXT | {"to": f"+120255501{number // 2:02}"} for number in range(3)]
        body = "\n".join(orjson.dumps(line).decode() for line in lines)
        other = body.replace("+12025550100", "+12025550109")

        first, second = lists_for_kannel([Call(key="k", body=body), Call(key="k", body=other)])
        for call in (first, second):
            (to,) = parse_qs(urlsplit(call.target).query)["to"]
            assert len(set(to.split())) == 3


def test_the_configuration_names_every_port_once():
    """Boxes that share a port would not both come up; nobody else is let in."""
    ports = {"admin": 1001, "smsbox": 1002, "sendsms": 1003, "receive": 1004}
    text = configuration(ports, 1005)

    assert all(text.count(f'"{port}"') == 1 for port in ports.values())
    assert 'send-url = "http://127.0.0.1:1005/generic?' in text
    assert "store" not in text


class TestSample:
    def test_what_the_carrier_has_is_what_was_delivered(self, tmp_path):
        """By its ledger, also where a peer's messages share a reference; from the first arrival to the last."""
        ledger = tmp_path / "ledger"
        before = b'{"event":"received","at_ns":1,"reference":"warm","taken":true}\n'
        events = [{"event": "received", "at_ns": at * 10**9, "reference": "same", "taken": True} for at in (5, 6, 7)]
        ledger.write_bytes(before + b"".join(orjson.dumps(event) + b"\n" for event in events))
        arrivals = Arrivals(ledger, offset=len(before))
        arrivals.look()
        report = LoadReport(
            requests=3,
            seconds=0.5,
            p50_ms=1.0,
            p99_ms=2.0,
            cpu_s={"load tool": 0.25},
            foreign_cores=None,
            failures=0,
            first_failure="",
            refusals=2,
        )

        sample = sample_of(arrivals, report, 1, {"load tool": 0.25, "gateway": 0.3, "bench": 1.0}, 0.6)
        assert (sample.messages, sample.per_second) == (3, 1.5)
        assert sample.details == {"accepted_per_second": 6.0, "refused_requests": 2.0}
        assert sample.cpu_us == pytest.approx({"load tool": 0.25e6 / 3, "gateway": 0.1e6})
        assert sample.foreign_cores == pytest.approx(0.1), "the load tool is ours"


class TestSummary:
    def test_a_ratio_is_taken_within_a_round(self):
        """A machine that halves its speed between rounds changes nothing."""
        rounds = [
            a_round(ours_single=1_300, kannel_single=1_000, ours_batch=4_200, kannel_batch=1_000),
            a_round(ours_single=700, kannel_single=500, ours_batch=2_000, kannel_batch=500),
            a_round(ours_single=1_100, kannel_single=1_000, ours_batch=4_100, kannel_batch=1_000),
        ]

        single, batch = pairs(rounds)
        assert (single.reached.low, single.reached.median, single.reached.high) == (1.1, 1.3, 1.4)
        assert (batch.reached.median, single.goal, batch.goal) == (4.1, 1.2, 4.0)

    def test_a_round_that_lacks_a_peer_says_nothing(self):
        """No ratio is better than one of different rounds."""
        assert [pair.reached for pair in pairs([a_round(ours_single=1), a_round(kannel_single=1)])] == [None, None]

    def test_tables_and_file_say_the_same(self, tmp_path, capsys):
        """Peers, rates, ratios with their goals, warnings."""
        result = a_result(
            a_round(ours_single=1_300, kannel_single=1_000, ours_batch=4_200, kannel_batch=1_000),
            warnings=["The machine was busy."],
        )
        print_result(result)
        said = capsys.readouterr().out
        data = orjson.loads(write_file(result, tmp_path / "out").read_bytes())

        assert "Kannel, 100 recipients a request" in said
        assert "The machine was busy." in said
        assert [(ratio["reached"]["median"], ratio["goal"]) for ratio in data["ratios"]] == [(1.3, 1.2), (4.2, 4.0)]
        assert all(f" {figure} " in said for figure in ("1,300", "4,200", "1.3", "4.2"))
        assert data["rounds"][0]["ours-batch"]["per_second"] == 4_200


class TestCommandLine:
    def test_quick_is_one_short_round_and_can_be_refined(self):
        """Options that are given win over those that --quick brings."""
        assert parse(["--quick"]).rounds == 1
        assert parse(["--quick", "--rounds", "2"]).rounds == 2
        assert parse([]).rounds >= 5

    def test_what_cannot_be_measured_is_refused(self, capsys):
        """Exit status 2, as all commands."""
        with pytest.raises(SystemExit) as ended:
            parse(["--rounds", "0"])

        assert ended.value.code == 2
        assert "--rounds" in capsys.readouterr().err

    def test_without_kannel_there_is_a_sentence(self, tmp_path, monkeypatch, capsys):
        """Exit status 3: nothing was measured, and nothing is broken."""
        assert find_boxes(str(tmp_path)) is None
        monkeypatch.setattr("loadtests.peers.__main__.find_boxes", lambda: None)
        monkeypatch.setattr(sys, "argv", ["peers"])

        assert main() == 3
        assert "Kannel is not installed" in " ".join(capsys.readouterr().err.split())

    @pytest.mark.skipif(find_boxes() is None, reason="needs Debian's package kannel")
    @pytest.mark.xdist_group("up")
    @pytest.mark.timeout(300)
    def test_the_whole_program_once(self, tmp_path):
        """Both peers start, deliver all they took, and are gone."""
        done = subprocess.run(
            [sys.executable, "-m", "loadtests.peers", "--quick", "--out", str(tmp_path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
            env=os.environ,
        )

        assert done.returncode == 0, done.stderr
        (only,) = orjson.loads((tmp_path / "peers.json").read_bytes())["rounds"]
        assert {name: sample["messages"] for name, sample in only.items()} == dict.fromkeys(
            ("ours-single", "kannel-single", "ours-batch", "kannel-batch"), 600
        )
