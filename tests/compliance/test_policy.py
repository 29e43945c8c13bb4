from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from compliance.codes import HARD_CODES, Code
from compliance.decision import Finding, Severity
from compliance.pacific import PACIFIC
from compliance.policy import SHIPPED, Adjustment, Phases, Policy, PolicyError, parse, shipped
from tests.builders import AT, CURRENT, TENANT

HEAD = 'name = "own"\nversion = "3"\n'
PHASES = "[phases]\nenforced_from = 2023-02-15\ngrandfathered_until = 2023-04-01\n"
OVERRIDE = """
[[override]]
tenant = "t1"
code = "content_shaft"
severity = "trial"
owner = "Dana Lee"
reason = "a wine shop with an age gate"
expires = 2027-01-01T00:00:00Z
"""
SECOND = timedelta(seconds=1)


def midnight(year, month, day):
    """Midnight Pacific."""
    return datetime(year, month, day, tzinfo=PACIFIC)


class TestShipped:
    def test_they_are_three(self):
        """The names that records use."""
        assert [shipped(name).name for name in SHIPPED] == ["current", "seed", "carrier_actual"]

    @pytest.mark.parametrize("name", SHIPPED)
    def test_they_differ_in_dates_only(self, name):
        """Nothing is softened, raised or switched on."""
        policy = shipped(name)

        assert replace(policy, phases=None) == Policy(name=name, version="1")

    def test_their_dates(self):
        """Midnight Pacific; the current one has none."""
        assert shipped("current").phases is None
        assert shipped("seed").phases == Phases(
            enforced_from=midnight(2023, 2, 15),
            grandfathered_until=midnight(2023, 4, 1),
            grandfathered_mms_until=midnight(2023, 4, 1),
        )
        assert shipped("carrier_actual").phases == Phases(
            enforced_from=midnight(2023, 2, 15),
            grandfathered_until=midnight(2024, 6, 17),
            grandfathered_mms_until=midnight(2023, 9, 20),
            grandfathered_mms_carriers=frozenset({"att", "verizon"}),
        )

    def test_there_is_no_other(self):
        """A name is not a path."""
        with pytest.raises(PolicyError, match="is not one of current, seed, carrier_actual"):
            shipped("../seed")


class TestParse:
    def test_a_name_and_a_version_are_enough(self):
        """Everything else has a default."""
        assert parse(HEAD) == Policy(name="own", version="3")

    def test_everything_that_can_be_said(self):
        """General adjustments first, then those of tenants, so that these win."""
        text = (
            f'{HEAD}mode = "strict"\n'
            "[options]\ntoll_free_allowed = true\nregistry_fail_open = true\n"
            f'{PHASES}grandfathered_mms_until = 2023-03-01\ngrandfathered_mms_carriers = ["att"]\n'
            '[severity]\ncontent_phishing = "block"\nflag_quiet_hours = "defer"\ncontent_shaft = "flag"\n'
            f"{OVERRIDE}"
        )

        assert parse(text) == Policy(
            name="own",
            version="3",
            mode="strict",
            toll_free_allowed=True,
            registry_fail_open=True,
            phases=Phases(
                enforced_from=midnight(2023, 2, 15),
                grandfathered_until=midnight(2023, 4, 1),
                grandfathered_mms_until=midnight(2023, 3, 1),
                grandfathered_mms_carriers=frozenset({"att"}),
            ),
            adjustments=(
                Adjustment(code=Code.CONTENT_PHISHING, severity=Severity.BLOCK),
                Adjustment(code=Code.FLAG_QUIET_HOURS, severity=Severity.DEFER),
                Adjustment(code=Code.CONTENT_SHAFT, severity=Severity.FLAG),
                Adjustment(
                    code=Code.CONTENT_SHAFT,
                    severity=Severity.INFO,
                    tenant="t1",
                    owner="Dana Lee",
                    reason="a wine shop with an age gate",
                    expires=datetime(2027, 1, 1, tzinfo=UTC),
                ),
            ),
        )

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("name = ", "policy: not TOML"),
            ('version = "1"', "name: must be a non-empty string"),
            ('name = ""\nversion = "1"', "name: must be a non-empty string"),
            ('name = "a@b"\nversion = "1"', "name: must not hold @"),
            ('name = "own"', "version: must be a non-empty string"),
            ('name = "own"\nversion = 1', "version: must be a non-empty string"),
            (HEAD + "tenant = 1", "policy.tenant: unknown field"),
            (HEAD + "zeta = 1\nalpha = 1", "policy.alpha: unknown field"),
            (HEAD + 'mode = "silent"', "mode: must be one of enforce, monitor, strict"),
            (HEAD + "mode = []", "mode: must be one of"),
            (HEAD + "options = 1", "options: must be a table"),
            (HEAD + "[options]\nmonitor = true", "options.monitor: unknown field"),
            (HEAD + "[options]\ntoll_free_allowed = 1", "options.toll_free_allowed: must be true or false"),
            (HEAD + "[options]\nregistry_fail_open = 'no'", "options.registry_fail_open: must be true or false"),
            (HEAD + "severity = []", "severity: must be a table"),
            (HEAD + "[severity]\nbogus = 'flag'", "severity.bogus: no such reason code"),
            (HEAD + "[severity]\ncontent_shaft = 'allow'", "severity.content_shaft: must be one of trial, flag, defer"),
            (HEAD + "[severity]\ncontent_shaft = []", "severity.content_shaft: must be one of"),
            (HEAD + "[severity]\nok_registered = 'flag'", "severity.ok_registered: says that nothing was found"),
            (HEAD + "[severity]\nok_internal_im = 'flag'", "severity.ok_internal_im: says that nothing was found"),
            (HEAD + "phases = 1", "phases: must be a table"),
            (HEAD + PHASES + "until = 1", "phases.until: unknown field"),
            (HEAD + "[phases]\nenforced_from = 2023-02-15", "phases.grandfathered_until: must be a date"),
            (HEAD + PHASES.replace("2023-02-15", "'2023-02-15'"), "phases.enforced_from: must be a date"),
            (HEAD + PHASES.replace("2023-02-15", "2023-02-15T00:00:00Z"), "phases.enforced_from: must be a date"),
            (HEAD + PHASES + "grandfathered_mms_until = 1", "phases.grandfathered_mms_until: must be a date"),
            (
                HEAD + PHASES + "grandfathered_mms_carriers = 'att'",
                "grandfathered_mms_carriers: must be an array of att",
            ),
            (HEAD + PHASES + "grandfathered_mms_carriers = ['sprint']", "grandfathered_mms_carriers: must be an array"),
            (HEAD + "override = 1", "override: must be an array of tables"),
            (HEAD + "override = [1]", "override: must be an array of tables"),
            (HEAD + OVERRIDE + "note = 1", "override.note: unknown field"),
            (HEAD + OVERRIDE.replace('"t1"', '""'), "tenant: must be a non-empty string"),
            (HEAD + OVERRIDE.replace('"Dana Lee"', "1"), "owner: must be a non-empty string"),
            (HEAD + OVERRIDE.replace("reason =", "note ="), "override.note: unknown field"),
            (
                HEAD + OVERRIDE.replace('reason = "a wine shop with an age gate"', ""),
                "reason: must be a non-empty string",
            ),
            (HEAD + OVERRIDE.replace('code = "content_shaft"', ""), "code: must be a non-empty string"),
            (HEAD + OVERRIDE.replace('severity = "trial"', ""), "override.content_shaft: must be one of"),
            (HEAD + OVERRIDE.replace("content_shaft", "bogus"), "override.bogus: no such reason code"),
            (HEAD + OVERRIDE.replace("expires = 2027-01-01T00:00:00Z", ""), "override.expires: must be an instant"),
            (HEAD + OVERRIDE.replace("2027-01-01T00:00:00Z", "2027-01-01"), "override.expires: must be an instant"),
            (HEAD + OVERRIDE.replace("T00:00:00Z", "T00:00:00"), "override.expires: must be an instant with an offset"),
        ],
    )
    def test_what_is_wrong_is_named(self, text, message):
        """A policy that cannot be is refused before it judges anything."""
        with pytest.raises(PolicyError) as refused:
            parse(text)
        assert message in str(refused.value)

    @pytest.mark.parametrize("code", sorted(HARD_CODES))
    @pytest.mark.parametrize("severity", ["trial", "flag", "defer"])
    def test_a_hard_code_is_never_softened(self, code, severity):
        """Neither for everyone nor for one tenant."""
        override = OVERRIDE.replace("content_shaft", code).replace('"trial"', f'"{severity}"')
        for text in (f'{HEAD}[severity]\n{code} = "{severity}"', HEAD + override):
            with pytest.raises(PolicyError, match=f"{code}: a hard code is never softened"):
                parse(text)
        assert parse(f'{HEAD}[severity]\n{code} = "block"').adjustments != ()


class TestAdjust:
    FLAG = Finding(Code.CONTENT_SHAFT, Severity.FLAG)
    BLOCK = Finding(Code.CONTENT_SHAFT, Severity.BLOCK)

    def adjusted(self, finding, *adjustments):
        """Weigh a finding for the builders' tenant and instant."""
        return replace(CURRENT, adjustments=adjustments).adjust(finding, TENANT, AT)

    def test_a_code_may_be_raised_lowered_and_put_on_trial(self):
        """Whatever the rule said."""
        for severity in Severity:
            raised = Adjustment(code=Code.CONTENT_SHAFT, severity=severity)
            for finding in (self.FLAG, self.BLOCK):
                assert self.adjusted(finding, raised) == Finding(Code.CONTENT_SHAFT, severity)

    def test_other_codes_stay(self):
        """An adjustment is for one code."""
        other = Adjustment(code=Code.CONTENT_PHISHING, severity=Severity.BLOCK)

        assert self.adjusted(self.FLAG, other) is self.FLAG

    def test_the_last_one_wins(self):
        """Those of tenants stand behind the general ones."""
        general = Adjustment(code=Code.CONTENT_SHAFT, severity=Severity.BLOCK)
        own = Adjustment(code=Code.CONTENT_SHAFT, severity=Severity.INFO, tenant=TENANT, expires=AT + SECOND)

        assert self.adjusted(self.FLAG, general, own).severity is Severity.INFO

    def test_it_keeps_that_the_matter_ends(self):
        """Only the severity changes."""
        last = Finding(Code.DID_SUPERSEDED, Severity.BLOCK, ends=True)
        softer = Adjustment(code=Code.DID_SUPERSEDED, severity=Severity.FLAG)

        assert self.adjusted(last, softer) == Finding(Code.DID_SUPERSEDED, Severity.FLAG, ends=True)

    def test_a_hard_code_may_only_be_raised(self):
        """Even by hand."""
        code = Code.MEDIA_TYPE
        softer = Adjustment(code=code, severity=Severity.FLAG)

        assert self.adjusted(Finding(code, Severity.BLOCK), softer).severity is Severity.BLOCK
        assert self.adjusted(Finding(code, Severity.INFO), softer).severity is Severity.FLAG

    @pytest.mark.parametrize(
        ("tenant", "expires", "applies"),
        [
            (None, None, True),
            (TENANT, None, True),
            ("t2", None, False),
            (None, AT + SECOND, True),
            (None, AT, False),
            (None, AT - SECOND, False),
            (TENANT, AT + SECOND, True),
            ("t2", AT + SECOND, False),
            (TENANT, AT, False),
        ],
    )
    def test_when_it_applies(self, tenant, expires, applies):
        """To its tenant, and until its end, which is no longer part of it."""
        adjustment = Adjustment(code=Code.CONTENT_SHAFT, severity=Severity.INFO, tenant=tenant, expires=expires)

        assert adjustment.applies(TENANT, AT) is applies


class TestOptions:
    @pytest.mark.parametrize(
        ("mode", "monitor", "expected"),
        [
            ("enforce", False, "enforce"),
            ("enforce", True, "monitor"),
            ("monitor", False, "enforce"),
            ("monitor", True, "monitor"),
            ("strict", False, "strict"),
            ("strict", True, "monitor"),
        ],
    )
    def test_a_record_switches_monitoring_on_and_off(self, mode, monitor, expected):
        """Strict is not a matter of records."""
        policy = replace(CURRENT, mode=mode)

        switched = policy.with_options(toll_free_allowed=False, registry_fail_open=False, monitor=monitor)

        assert switched == replace(policy, mode=expected)

    @pytest.mark.parametrize("toll_free_allowed", [False, True])
    @pytest.mark.parametrize("registry_fail_open", [False, True])
    def test_and_the_two_options(self, toll_free_allowed, registry_fail_open):
        """The record's word counts, both ways."""
        switches = {"toll_free_allowed": toll_free_allowed, "registry_fail_open": registry_fail_open}

        for before in (False, True):
            policy = replace(CURRENT, toll_free_allowed=before, registry_fail_open=before)
            assert policy.with_options(**switches, monitor=False) == replace(CURRENT, **switches)
