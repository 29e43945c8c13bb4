from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.codes import Code
from compliance.decide import decide
from compliance.decision import Decision, Finding, Severity, Verdict
from compliance.facts import Assignment, Campaign, Facts, Media, Message, Sender, SenderNumber
from compliance.record import Expected, Options, agrees, load_record, parse_facts, parse_record
from compliance.recording import facts_to, record_to
from compliance.shapes import ShapeError
from tests.builders import (
    AT,
    CARRIER_ACTUAL,
    CURRENT,
    SEED,
    a_brand,
    a_message,
    a_recipient,
    a_sender,
    an_opt_out,
    an_owner,
    some_facts,
    some_usage,
)
from tests.compliance.strategies import all_facts

LINES = (Path(__file__).resolve().parent.parent / "cases" / "decisions-open.jsonl").read_bytes().splitlines()

FULL = some_facts(
    at=AT + timedelta(microseconds=999_999),
    message=a_message(
        text="Grüße 😀",
        media=(Media(type="image/png", bytes=2_048),),
        in_reply_to_inbound_at=datetime(2026, 11, 20, 19, 59, 30, tzinfo=UTC),
    ),
    sender=a_sender(brand=a_brand(id="B2")),
    recipient=a_recipient(directory=an_owner(tenant="t2"), opted_out=an_opt_out(number="+12025550111")),
    usage=some_usage(tmobile_brand_day=7, tmobile_brand_day_of=AT.date()),
)
GOLDEN = (
    '{"v":1,"id":"m-1","note":"","policy":"current@1","options":{"toll_free_allowed":false,'
    '"registry_fail_open":false,"monitor":false},"facts":{"at":"2026-11-20T20:00:00Z","message":{'
    '"from":"+12025550111","to":"+14155550143","text":"Grüße 😀","media":[{"type":"image/png","bytes":2048}],'
    '"origin":"app","participants":1,"in_reply_to_inbound_at":"2026-11-20T19:59:30Z"},"sender":{"tenant":{"id":"t1",'
    '"customer_since":"2024-03-01"},"user":{"id":"u1"},"number":{"owner":{"tenant":"t1","user":"u1"},"kind":"local",'
    '"sms":"enabled","sms_enabled_at":"2024-03-01T17:00:00Z","number_changed_at":null,"licence_changed_at":null,'
    '"toll_free_verification":null,"assignment":{"state":"assigned","campaign_id":"C1","brand_id":"B1"}},'
    '"campaign":{"id":"C1","brand_id":"B1","use_case":"ucaas_low","sub_use_cases":[],"status":"active",'
    '"sharing":"accepted","dca_complete":true,"mock":false,"carriers":{"att":"approved","tmobile":"approved",'
    '"verizon":"approved","us_cellular":"approved"},"osr_status":null,"declares":{"embedded_link":false,'
    '"embedded_phone":false,"age_gated":false,"direct_lending":false},"att_class":"A"},"brand":{"id":"B2",'
    '"status":"vetted_verified","vetting_score":80,"government":false}},"recipient":{"directory":{"tenant":"t2",'
    '"user":"u1"},"carrier":"verizon","line":"mobile","opted_out":{'
    '"at":"2026-11-19T20:00:00Z","keyword":"stop","tenant":null,"number":"+12025550111"},'
    '"free_text_revocation":false},"usage":{"att_campaign_minute":0,"att_number_minute":0,"tmobile_brand_day":7,'
    '"tmobile_brand_day_of":"2026-11-20","number_second":0,"toll_free_day":0,"same_text_numbers_5min":0},'
    '"registry":{"state":"live","age_s":0}},"decision":{"verdict":"block","reason":"recipient_opted_out",'
    '"findings":["did_assignment_failed"],"findings_exact":true},"meta":{"gateway":"0.1.0"}}'
).encode()


def smallest(**facts):
    """Build a record that leaves out all that may be left out."""
    return {
        "v": 1,
        "id": "x",
        "note": "",
        "policy": "current",
        "facts": {
            "at": "2026-11-20T20:00:00Z",
            "message": {"to": "911"},
            "sender": {"tenant": {"id": "t1", "customer_since": "2024-03-01"}, "user": {"id": "u1"}},
        }
        | facts,
        "decision": {"verdict": "allow", "reason": "ok_registered"},
    }


class TestStored:
    def test_golden(self):
        """Every field, in the fixed order, instants cut to the second."""
        decision = decide(FULL, CURRENT)

        assert orjson.dumps(record_to("m-1", FULL, CURRENT, decision, meta={"gateway": "0.1.0"})) == GOLDEN

    @pytest.mark.parametrize(
        ("policy", "options"),
        [
            (CURRENT, Options()),
            (SEED, Options(toll_free_allowed=True)),
            (CARRIER_ACTUAL, Options(registry_fail_open=True)),
            (CURRENT, Options(monitor=True)),
        ],
    )
    def test_policy_and_options_come_back(self, policy, options):
        """By name and version."""
        policy = policy.with_options(
            toll_free_allowed=options.toll_free_allowed,
            registry_fail_open=options.registry_fail_open,
            monitor=options.monitor,
        )

        record = parse_record(record_to("m-1", FULL, policy, decide(FULL, policy), note="why"))

        assert (record.id, record.note) == ("m-1", "why")
        assert (record.policy, record.policy_version, record.options) == (policy.name, "1", options)

    def test_without_meta_it_is_empty(self):
        """The field is always there."""
        assert record_to("m-1", FULL, CURRENT, decide(FULL, CURRENT))["meta"] == {}

    @given(all_facts, st.sampled_from([CURRENT, SEED, CARRIER_ACTUAL]))
    def test_facts_come_back_and_a_replay_agrees(self, facts, policy):
        """Through bytes: the same facts, the same decision, and the record's own word for it."""
        decision = decide(facts, policy)

        record = load_record(orjson.dumps(record_to("m-1", facts, policy, decision)))

        assert record.facts == facts
        assert decide(record.facts, policy) == decision
        assert record.expected.exact
        assert agrees(decision, record.expected)

    @given(all_facts, st.integers(0, 999_999), st.integers(0, 999_999))
    def test_cut_instants_decide_alike(self, facts, at, other):
        """Fractions of seconds decide nothing, or a replay could disagree."""
        reply, out = facts.message.in_reply_to_inbound_at, facts.recipient.opted_out
        fine = facts._replace(at=facts.at.replace(microsecond=at))
        if reply:
            fine = fine._replace(message=fine.message._replace(in_reply_to_inbound_at=reply.replace(microsecond=other)))
        if out:
            fine_out = out._replace(at=out.at.replace(microsecond=other))
            fine = fine._replace(recipient=fine.recipient._replace(opted_out=fine_out))

        assert parse_facts(facts_to(fine)) == facts
        assert decide(fine, CURRENT) == decide(facts, CURRENT)


class TestRead:
    def test_what_is_left_out_has_its_default(self):
        """A missing object means all its defaults."""
        record = parse_record(smallest())

        assert record.facts == Facts(
            at=AT,
            message=Message(to="911"),
            sender=Sender(tenant="t1", customer_since=a_sender().customer_since, user="u1"),
        )
        assert record.options == Options()
        assert record.policy_version == ""
        assert record.expected == Expected(verdict="allow", reason="ok_registered", findings=frozenset(), exact=False)

    def test_parts_that_are_empty_have_their_defaults(self):
        """Number, campaign and the rest."""
        campaign = {"id": "C1", "brand_id": "B1", "use_case": "2fa", "status": "active", "carriers": {}, "declares": {}}
        sender = smallest()["facts"]["sender"] | {"number": {"assignment": {"state": "pending"}}, "campaign": campaign}

        facts = parse_facts(smallest(sender=sender, recipient={}, usage={}, registry={})["facts"])

        assert facts == parse_facts(smallest()["facts"])._replace(sender=facts.sender)
        assert facts.sender.number == SenderNumber(assignment=Assignment(state="pending"))
        assert facts.sender.campaign == Campaign(id="C1", brand_id="B1", use_case="2fa", status="active")

    @pytest.mark.parametrize("state", [None, 1, {}, "bogus", "review"])
    def test_a_carrier_state_of_any_kind_counts_as_review(self, state):
        """By the format: a missing key or any other value."""
        campaign = {"id": "C1", "brand_id": "B1", "use_case": "2fa", "status": "active", "carriers": {"att": state}}
        sender = smallest()["facts"]["sender"] | {"campaign": campaign}

        carriers = parse_facts(smallest(sender=sender)["facts"]).sender.campaign.carriers

        assert carriers.att == (state if isinstance(state, str) else "review")
        assert carriers.verizon == "review"

    @pytest.mark.parametrize("line", [b"", b"{", b"\xff", b"nope", b'{"v":1} {"v":1}'])
    def test_a_line_that_is_no_json(self, line):
        """It is said, not crashed."""
        with pytest.raises(ShapeError, match="record: not JSON"):
            load_record(line)

    @pytest.mark.parametrize("data", [None, [], 1, "x"])
    def test_a_record_is_an_object(self, data):
        """Nothing else is."""
        with pytest.raises(ShapeError, match="record: must be an object"):
            parse_record(data)

    @pytest.mark.parametrize("version", [0, 2, "1", 1.5, True, None])
    def test_another_version_is_refused(self, version):
        """Its rules are not known."""
        with pytest.raises(ShapeError, match=r"record\.v: must be 1"):
            parse_record(smallest() | {"v": version})

    def test_unknown_fields_are_errors_everywhere(self):
        """A misspelt field would silently mean its default."""
        parts = list(objects(orjson.loads(GOLDEN)))
        assert len(parts) == 21  # meta is free
        for number in range(len(parts)):
            data = orjson.loads(GOLDEN)
            list(objects(data))[number]["misspelt"] = 1
            with pytest.raises(ShapeError, match="misspelt: unknown field"):
                parse_record(data)

    @given(st.data())
    def test_whatever_is_wrong_is_a_shape_error(self, data):
        """One value of a real record replaced: it is read, or the field is named."""
        record = orjson.loads(data.draw(st.sampled_from([GOLDEN, *LINES[::20]])))
        part = data.draw(st.sampled_from(list(objects(record))))
        field = data.draw(st.sampled_from(sorted(part)))
        junk = st.sampled_from(
            [None, True, 0, 1, -1, 1.5, "", "x", [], [1], {}, {"x": 1}, "9999-12-31T23:59:59Z", 2**63]
        )
        part[field] = data.draw(junk)

        try:
            read = parse_record(record)
        except ShapeError as wrong:
            assert ": " in str(wrong)  # noqa: PT017 - either way is right
        else:
            decide(read.facts, CURRENT)


def objects(data):
    """Every object inside a record, itself included, but for meta."""
    if isinstance(data, dict):
        yield data
        for key, value in data.items():
            if key != "meta":
                yield from objects(value)
    elif isinstance(data, list):
        for item in data:
            yield from objects(item)


class TestAgrees:
    DECISION = Decision(
        Verdict.BLOCK,
        Code.BRAND_DELETED,
        (Finding(Code.BRAND_DELETED, Severity.BLOCK), Finding(Code.CONTENT_SHAFT, Severity.FLAG)),
    )

    @pytest.mark.parametrize(
        ("verdict", "reason", "findings", "exact", "agreed"),
        [
            ("block", "brand_deleted", {"content_shaft"}, True, True),
            ("block", "brand_deleted", {"content_shaft"}, False, True),
            # The reason may be repeated among the findings.
            ("block", "brand_deleted", {"brand_deleted", "content_shaft"}, True, True),
            # More may be found than is expected, unless exactly that is.
            ("block", "brand_deleted", set(), False, True),
            ("block", "brand_deleted", set(), True, False),
            ("block", "brand_deleted", {"content_phishing"}, False, False),
            ("block", "brand_deleted", {"content_shaft", "content_phishing"}, True, False),
            ("flag", "brand_deleted", {"content_shaft"}, False, False),
            ("block", "content_shaft", {"brand_deleted"}, False, False),
        ],
    )
    def test_verdict_and_reason_are_equal_and_findings_contained(self, verdict, reason, findings, exact, agreed):
        """As the format says."""
        expected = Expected(verdict=verdict, reason=reason, findings=frozenset(findings), exact=exact)

        assert agrees(self.DECISION, expected) is agreed
