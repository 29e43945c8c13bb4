import csv
import os
import re
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from compliance.record import load_record
from gateway.__main__ import app

runner = CliRunner()
EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
COMPANY, DAY = EXAMPLES / "company.json", EXAMPLES / "day.ndjson"
TRAFFIC = Path(os.environ.get("A2P_TRAFFIC_DIR") or Path(__file__).resolve().parents[4] / "shared" / "traffic")


def judge(day: Path, *arguments: object, company: Path = COMPANY):
    """Run the command."""
    return runner.invoke(app, ["judge", "--company", str(company), "--day", str(day), *map(str, arguments)])


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """The records of the demo day."""
    out = tmp_path_factory.mktemp("judged") / "records.jsonl"
    result = judge(DAY, "--out", out)
    assert result.exit_code == 0, result.output
    return out


class TestDemoDay:
    def test_every_line_gets_its_verdict_and_reason(self, records):
        """As written beside the day."""
        with (EXAMPLES / "day.expected.tsv").open(newline="") as file:
            expected = [(row["n"], row["verdict"], row["reason"]) for row in csv.DictReader(file, delimiter="\t")]
        judged = [load_record(line) for line in records.read_bytes().splitlines()]

        assert [(one.id, one.expected.verdict, one.expected.reason) for one in judged] == expected

    def test_a_replay_gives_no_difference(self, records):
        """A record replayed under its own policy."""
        result = runner.invoke(app, ["replay", str(records)])

        assert result.exit_code == 0
        assert "53 records (53 decision)" in result.stdout

    def test_records_name_their_policy(self, records):
        """With its version."""
        assert {orjson.loads(line)["policy"] for line in records.read_bytes().splitlines()} == {"current@1"}

    def test_only_fiction_numbers_are_in_it(self):
        """555-01xx: nobody's phone rings."""
        told = re.findall(r"\+1\d{10}", COMPANY.read_text() + DAY.read_text())

        assert [number for number in told if not re.fullmatch(r"\+1\d{3}55501\d\d", number)] == []

    def test_the_counts_are_printed(self):
        """By verdict and reason, by channel, by company."""
        output = judge(DAY).stdout

        assert re.search(r"im +5 +0 +0 +0 +5\b", output)
        assert re.search(r"mms +1 +0 +0 +2 +3\b", output)
        assert re.search(r"rivera +1 +0 +0 +0 +1\b", output)
        assert re.search(r"block +did_unassigned +3\b", output)
        assert re.search(r"all +53\b", output)


class TestPolicy:
    def test_a_file_may_be_named(self, tmp_path):
        """Here one in monitor mode: what blocks is flagged, hard codes apart."""
        own = tmp_path / "own.toml"
        own.write_text('name = "own"\nversion = "1"\nmode = "monitor"\n')

        output = judge(DAY, "--policy", own).stdout

        assert re.search(r"flag +did_unassigned", output)
        assert re.search(r"block +recipient_opted_out", output)


class TestBadInput:
    def test_bad_lines_are_named_and_counted_and_the_rest_is_judged(self, tmp_path):
        """Exit status 1."""
        day = tmp_path / "day.ndjson"
        day.write_bytes(
            DAY.read_bytes().splitlines()[0]
            + b'\n{"n": 2}\n{"n": 3, "at": "2026-11-20T13:00:00Z", "user": "nobody", "to": "911"}\n'
        )

        result = judge(day)

        assert result.exit_code == 1
        assert f"{day}:2: message.at: missing" in result.stderr
        assert f"{day}:3: message.user: is not in the company file" in result.stderr
        assert "2 bad lines were left out" in result.stderr
        assert re.search(r"all +1\b", result.stdout)

    def test_a_bad_company_file_is_refused(self, tmp_path):
        """With the row and the field."""
        company = tmp_path / "company.json"
        company.write_text('{"format": "a2p-company/1", "tenants": [{"id": "t1"}]}')

        result = judge(DAY, company=company)

        assert result.exit_code == 2
        assert "tenants[0].customer_since: missing" in result.stderr

    def test_an_unknown_policy_is_refused(self):
        """Before anything is judged."""
        assert judge(DAY, "--policy", "lenient").exit_code == 2

    def test_records_never_overwrite_an_input(self, tmp_path):
        """A slip of the hand costs nothing."""
        day = tmp_path / "day.ndjson"
        day.write_bytes(DAY.read_bytes())

        result = judge(day, "--out", day)

        assert result.exit_code == 2
        assert day.read_bytes() == DAY.read_bytes()

    def test_a_place_where_nothing_can_be_written_is_refused(self, tmp_path):
        """By name."""
        assert judge(DAY, "--out", tmp_path / "missing" / "records.jsonl").exit_code == 2


@pytest.mark.skipif(not (TRAFFIC / "day.ndjson").is_file(), reason=f"no day.ndjson in {TRAFFIC} (A2P_TRAFFIC_DIR)")
class TestTraffic:
    def test_a_whole_day_is_judged(self):
        """Twenty thousand lines of real people: half of it instant messages, no false alarm but one about tobacco."""
        result = judge(TRAFFIC / "day.ndjson", company=TRAFFIC / "company.json")

        assert result.exit_code == 0
        assert re.search(r"ok_internal_im +9,041\b", result.stdout)
        assert re.search(r"content_shaft +1\b", result.stdout)
        assert re.search(r"all +20,000\b", result.stdout)
