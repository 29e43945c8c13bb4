from pathlib import Path
from typing import Any

import orjson
import pytest

from compliance import decide, shipped
from compliance.recording import record_to
from compliance.shapes import ShapeError
from gateway.offline.replay import Replay
from tests.builders import CURRENT, a_message, a_number, a_sender, some_facts

CASES = Path(__file__).resolve().parent.parent.parent / "cases"


def a_record(**fields: Any) -> dict[str, Any]:
    """Build a stored record of an allowed message."""
    facts = some_facts()
    return record_to("r1", facts, CURRENT, decide(facts, CURRENT), note="plain") | fields


def replayed(data: Any, **options: Any):
    """Judge one line again."""
    return Replay(**options).line(orjson.dumps(data))


class TestDecisions:
    @pytest.mark.parametrize("kind", ["decisions", "inbound", "segments", "destinations"])
    def test_the_acceptance_cases_do_not_differ(self, kind):
        """All four kinds, told apart by their fields."""
        judge = Replay()
        found = [judge.line(line) for line in (CASES / f"{kind}-open.jsonl").read_bytes().splitlines()]

        assert [one for one in found if one.differs] == []
        assert {one.kind for one in found} == {
            kind.removesuffix("s") if kind in {"decisions", "destinations"} else kind
        }

    def test_a_record_under_its_own_policy_does_not_differ(self):
        """What was decided stays decided."""
        one = replayed(a_record())

        assert (one.differs, one.kind, one.id, one.note) == (False, "decision", "r1", "plain")

    def test_a_difference_names_both_sides_with_their_findings(self):
        """What was expected, and what was found."""
        facts = some_facts(
            message=a_message(text="https://bit.ly/1"), sender=a_sender(number=a_number(assignment=None))
        )
        wanted = {"verdict": "flag", "reason": "did_unassigned", "findings": ["content_shaft"], "findings_exact": True}
        one = replayed(record_to("r2", facts, CURRENT, decide(facts, CURRENT)) | {"decision": wanted})

        assert one.differs
        assert one.expected == "flag did_unassigned +content_shaft"
        assert one.found == "block did_unassigned +content_public_url_shortener"

    def test_more_findings_than_expected_are_no_difference_unless_exact(self):
        """And the text says that there may have been more."""
        facts = some_facts(sender=a_sender(number=a_number(assignment=None, sms="disabled")))
        record = record_to("r3", facts, CURRENT, decide(facts, CURRENT))
        less = {"verdict": "block", "reason": "did_not_sms_enabled", "findings": []}

        assert not replayed(record | {"decision": less}).differs
        assert replayed(record | {"decision": less | {"findings_exact": True}}).differs
        assert replayed(record | {"decision": less | {"verdict": "flag"}}).expected.endswith("(and perhaps more)")

    def test_the_records_own_options_apply(self):
        """Monitor mode turns a block into a flag."""
        facts = some_facts(sender=a_sender(number=a_number(assignment=None)))
        monitor = CURRENT.with_options(toll_free_allowed=False, registry_fail_open=False, monitor=True)

        one = replayed(record_to("r4", facts, monitor, decide(facts, monitor)))

        assert (one.differs, one.decision.verdict) == (False, "flag")

    def test_another_policy_brings_its_own_options(self):
        """What would the new policy have done, not the new policy with old switches."""
        facts = some_facts(sender=a_sender(number=a_number(assignment=None)))
        monitor = CURRENT.with_options(toll_free_allowed=False, registry_fail_open=False, monitor=True)

        one = replayed(record_to("r5", facts, monitor, decide(facts, monitor)), policy=shipped("current"))

        assert one.found == "block did_unassigned"

    @pytest.mark.parametrize(("policy", "other"), [("current", False), ("current@1", False), ("current@0", True)])
    def test_a_record_of_another_version_is_told(self, policy, other):
        """A difference may then be the policy's."""
        assert replayed(a_record(policy=policy)).other_version == other


class TestOtherKinds:
    @pytest.mark.parametrize(
        ("data", "kind", "expected", "found"),
        [
            ({"id": "i", "text": "STOP", "meaning": "none"}, "inbound", "none", "stop"),
            ({"id": "d", "to": "911", "class": "us"}, "destination", "us", "emergency"),
            (
                {"id": "s", "text": "é😀", "encoding": "gsm7", "units": 2, "segments": 1},
                "segments",
                "gsm7, 2 units, 1 segments",
                "ucs2, 3 units, 1 segments",
            ),
        ],
    )
    def test_a_difference_names_both_sides(self, data, kind, expected, found):
        """In the words of the case."""
        one = replayed(data)

        assert (one.kind, one.expected, one.found, one.decision) == (kind, expected, found, None)


class TestUnreadable:
    @pytest.mark.parametrize(
        ("raw", "message"),
        [
            (b"{", "record: not JSON"),
            (b"\xff", "record: not JSON"),
            (b"[]", "record: must be an object"),
            (b'{"id": "x"}', "record: is none of the four kinds"),
            (b'{"v": 1, "id": "x"}', "record.policy: missing"),
            (b'{"v": 2, "id": "x"}', "record.v: must be 1"),
            (b'{"id": "x", "text": 1, "meaning": "stop"}', "inbound.text: must be a string"),
            (b'{"id": "x", "text": "", "segments": 1}', "segments.units: missing"),
            (b'{"to": "911", "class": "us"}', "destination.id: missing"),
            (orjson.dumps(a_record(policy="own@3")), "record.policy: is none of current, .* with --policy"),
            (orjson.dumps(a_record(extra=1)), "record.extra: unknown field"),
        ],
    )
    def test_what_is_wrong_is_named(self, raw, message):
        """By field."""
        with pytest.raises(ShapeError, match=message):
            Replay().line(raw)
