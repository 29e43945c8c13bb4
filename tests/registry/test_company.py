"""Reading a company file: what is taken, what is refused, and in which words."""

import copy
from datetime import UTC, datetime

import orjson
import pytest

from registry.company import CompanyFileError, Known, read_company
from registry.records import Assignment, Campaign, Extension, Number, Tenant, User
from tests.registry.builders import DID, OTHER_DID, a_company


def nothing_known(**fields):
    """An empty database."""
    empty = {"tenants": set(), "users": {}, "brands": {}, "campaigns": {}, "extensions": {}}
    return Known(**empty | fields)


def read(company, **known):
    """Read a company, given decoded, against what the database has."""
    return read_company(orjson.dumps(company), nothing_known(**known))


def faults(company, **known):
    """What is wrong with it, as a person reads it."""
    return [str(bad) for bad in read(company, **known).bad]


def records(company, kind):
    """The records of one kind that are taken."""
    return [r for entries in read(company).entries.values() for e in entries for r in e.put if type(r) is kind]


def with_field(path, value):
    """A company in which one field, such as users.0.tenant, is another; ... removes it."""
    company = copy.deepcopy(a_company())
    *way, last = (int(part) if part.isdigit() else part for part in path.split("."))
    place = company
    for part in way:
        place = place[part]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return company


TEXT = "must be a string"
ID = "must be 1 to 128 printable characters without blanks and colons"
DID_RULE = "must be a US or Canadian number in E.164, such as +12025550123"
E164 = "must be a number in E.164, such as +12025550123"
INSTANT = "must be an RFC 3339 instant, such as 2026-11-20T13:00:00Z"
WHOLE = "must be a whole number, zero or more"

BAD_FIELDS = [
    # field                              value                          what is said about it
    ("tenants.1.id", ..., "is missing"),
    ("tenants.1.id", None, "is missing"),
    ("tenants.1.id", 7, TEXT),
    ("tenants.1.id", "", ID),
    ("tenants.1.id", "so lo", ID),
    ("tenants.1.id", "so:lo", ID),
    ("tenants.1.id", "so\u200blo", ID),
    ("tenants.1.id", "s" * 129, ID),
    ("tenants.1.name", ["Sol"], TEXT),
    ("tenants.1.name", "Sol\x00", "must not contain the character NUL"),
    ("tenants.1.customer_since", "soon", "must be a date, such as 2026-11-20"),
    ("tenants.1.customer_since", 20240101, "must be a date, such as 2026-11-20"),
    ("tenants.1.time_zone", "Mars/Olympus", "must be an IANA time zone, such as America/New_York"),
    ("tenants.1.time_zone", "../../etc/passwd", "must be an IANA time zone, such as America/New_York"),
    ("users.1.tenant", "nobody", "there is no tenant 'nobody' (or its row is bad): add it, or correct the id"),
    ("users.1.tenant", {}, TEXT),
    ("users.1.extension", "10a2", "must be 1 to 15 digits, or null"),
    ("users.1.extension", "١٠٠٢", "must be 1 to 15 digits, or null"),
    ("users.1.extension", 1002, TEXT),
    ("users.1.extension", "1001", "another user of the tenant has it: give one of them another extension"),
    ("users.1.role", 1, TEXT),
    ("brands.1.tenant", "nobody", "there is no tenant 'nobody' (or its row is bad): add it, or correct the id"),
    ("brands.1.status", ..., "is missing"),
    ("brands.1.vetting_score", 101, "must be at most 100"),
    ("brands.1.vetting_score", -1, WHOLE),
    ("brands.1.vetting_score", 7.5, WHOLE),
    ("brands.1.vetting_score", True, WHOLE),
    ("brands.1.government", "yes", "must be true or false"),
    ("brands.1.government", 1, "must be true or false"),
    ("campaigns.1.brand_id", "BNONE", "there is no brand 'BNONE' (or its row is bad): add it, or correct the id"),
    ("campaigns.1.carriers", ["att"], "must be an object or null"),
    ("campaigns.1.carriers", {"att": 1}, TEXT),
    ("campaigns.1.declares", {"age_gated": "no"}, "must be true or false"),
    ("campaigns.1.sub_use_cases", "2fa", "must be a list of strings"),
    ("campaigns.1.samples", [1], TEXT),
    ("campaigns.1.osr_status", 2**31, f"must be at most {2**31 - 1}"),
    ("campaigns.1.osr_status", 2**63, f"must be at most {2**31 - 1}"),
    ("campaigns.1.att_class", "AB", "must be one upper-case letter, or null"),
    ("numbers.1.did", "2025550102", DID_RULE),
    ("numbers.1.did", "+1 202 555 0102", DID_RULE),
    ("numbers.1.did", "+442071838750", DID_RULE),
    ("numbers.1.did", "+11025550102", DID_RULE),
    ("numbers.1.did", "+1202555010２", DID_RULE),
    ("numbers.1.did", OTHER_DID + "\n", DID_RULE),
    ("numbers.1.did", 12025550102, TEXT),
    ("numbers.1.user", "nobody", "there is no user 'nobody' (or its row is bad): add it, or correct the id"),
    ("numbers.1.user", "sol", "belongs to another tenant: name one of the number's own tenant"),
    ("numbers.1.sms_enabled_at", "yesterday", INSTANT),
    ("numbers.1.sms_enabled_at", 1764000000, INSTANT),
    ("numbers.1.sms_enabled_at", "2026-11-20T13:00:00", "has no offset: write Z or +hh:mm at its end"),
    ("numbers.1.licence_changed_at", "2026-13-01T00:00:00Z", INSTANT),
    ("numbers.1.number_changed_at", "0001-01-01T00:00:00+14:00", "is out of range"),
    ("numbers.1.assignment", "CACME", "must be an object or null"),
    ("numbers.0.assignment.state", ..., "is missing"),
    ("numbers.0.assignment.campaign_id", "CNONE", "there is no campaign 'CNONE' (or its row is bad): add it, or"),
    ("numbers.0.assignment.campaign_id", "CSOLO", "belongs to another tenant: name one of the number's own tenant"),
    ("numbers.0.assignment.brand_id", "BSOLO", "belongs to another tenant: name one of the number's own tenant"),
    ("contacts.1.number", "4165550112", E164),
    ("contacts.1.number", "+0165550112", E164),
    ("contacts.1.line", 1, TEXT),
    ("opt_outs.0.tenant", "nobody", "there is no tenant 'nobody' (or its row is bad): add it, or correct the id"),
    ("opt_outs.0.recipient", "=cmd|' /C calc'!A0", E164),
    ("opt_outs.0.at", ..., "is missing"),
    ("opt_outs.0.number", "5550", DID_RULE),
]


class TestBadRows:
    @pytest.mark.parametrize(("path", "value", "problem"), BAD_FIELDS, ids=[f"{c[0]}={c[1]!r:.20}" for c in BAD_FIELDS])
    def test_each_is_named_with_its_place_and_what_to_do(self, path, value, problem):
        """Row kind, index from 0, field, and a sentence that says what it must be."""
        kind, index, field = path.split(".", 2)
        first, *_ = [bad for bad in faults(with_field(path, value)) if bad.startswith(f"{kind}[{index}].{field}")]

        assert first.partition(": ")[2].startswith(problem)

    @pytest.mark.parametrize("kind", ["tenants", "users", "brands", "campaigns", "numbers", "contacts", "opt_outs"])
    @pytest.mark.parametrize("row", [None, 7, "acme", ["acme"]])
    def test_a_row_must_be_an_object(self, kind, row):
        """Whatever else is in the list is a bad row, and not the end of the import."""
        company = a_company()
        company[kind] = [*company[kind], row]

        assert faults(company) == [f"{kind}[{len(company[kind]) - 1}]: must be an object"]

    @pytest.mark.parametrize(
        ("kind", "field"),
        [
            ("tenants", "id"),
            ("users", "id"),
            ("brands", "id"),
            ("campaigns", "id"),
            ("numbers", "did"),
            ("contacts", "number"),
            ("opt_outs", "recipient"),
        ],
    )
    def test_the_first_row_with_an_id_counts(self, kind, field):
        """The second is refused, even if it says the same."""
        company = a_company()
        again = company[kind][0] | ({"extension": None} if kind == "users" else {})
        company[kind] = [*company[kind], again]

        expected = (
            f"{kind}[{len(company[kind]) - 1}].{field}: {kind}[0] has the same, and counts: remove one of the two"
        )
        assert faults(company) == [expected]

    def test_all_faults_of_a_row_are_told_at_once(self):
        """Nobody wants to import five times to learn of five faults."""
        company = a_company(tenants=[{"name": 7, "customer_since": "soon"}], users=[], brands=[], campaigns=[])
        company |= {"numbers": [], "opt_outs": []}

        assert faults(company) == [
            "tenants[0].id: is missing",
            f"tenants[0].name: {TEXT}",
            "tenants[0].customer_since: must be a date, such as 2026-11-20",
        ]

    def test_a_bad_row_takes_along_only_what_refers_to_it(self):
        """The other tenant's rows are good."""
        bad = read(with_field("tenants.1.name", 7)).bad

        assert {(fault.kind, fault.index) for fault in bad} == {
            ("tenants", 1),
            ("users", 2),
            ("brands", 1),
            ("campaigns", 1),
        }

    @pytest.mark.parametrize(
        ("path", "known"),
        [
            ("users[0].tenant", {"users": {"ben": "solo"}}),
            ("brands[0].tenant", {"brands": {"BACME": "solo"}}),
            ("campaigns[0].brand_id", {"campaigns": {"CACME": "solo"}}),
        ],
    )
    def test_nothing_moves_to_another_tenant(self, path, known):
        """An id that another tenant has in the database is not up for taking."""
        problem = "the id belongs to another tenant already: ids are unique over all tenants, take another id"

        assert faults(a_company(), **known)[0] == f"{path}: {problem}"

    def test_a_report_shows_no_phone_number(self):
        """A row is named by its place."""
        company = a_company(numbers=[{"did": DID, "tenant": "nobody"}, {"did": "12025550147", "tenant": "acme"}])

        assert "555" not in " ".join(faults(company)).replace("+12025550123", "")


class TestExtensions:
    def test_one_that_somebody_outside_the_file_has_stays_theirs(self):
        """The file says nothing about them, so they keep it."""
        found = faults(a_company(), users={"old": "acme"}, extensions={("acme", "1001"): "old"})

        assert found[0].startswith("users[0].extension: another user of the tenant has it")

    def test_two_users_of_the_file_may_swap(self):
        """What the file says of both is free of conflict."""
        known = {("acme", "1001"): "ann", ("acme", "1002"): "ben"}

        assert faults(a_company(), users={"ben": "acme", "ann": "acme"}, extensions=known) == []

    def test_each_tenant_has_its_own(self):
        """Both have a 1001."""
        assert {(e.tenant, e.digits, e.user) for e in records(a_company(), Extension)} == {
            ("acme", "1001", "ben"),
            ("acme", "1002", "ann"),
            ("solo", "1001", "sol"),
        }


class TestGoodRows:
    def test_a_good_file_has_no_faults(self):
        """The builder is one."""
        assert faults(a_company()) == []

    def test_what_is_left_out_has_its_default(self):
        """Those of the decision record: nothing is approved that nobody approved."""
        campaign = records(a_company(), Campaign)[1]

        assert (campaign.sharing, campaign.att, campaign.dca_complete, campaign.embedded_link) == (
            "pending",
            "review",
            False,
            False,
        )

    def test_states_are_kept_as_given(self):
        """A word that nobody knows is the judge's to refuse, not ours to lose."""
        company = with_field("numbers.0.sms", "half_on")
        company["numbers"][0]["assignment"]["state"] = "wavering"

        assert records(company, Number)[0].sms == "half_on"
        assert records(company, Assignment)[0].state == "wavering"
        assert records(company, Campaign)[0].tmobile == "paused"

    def test_text_is_kept_as_text(self):
        """A formula, markup or an emoji is a name like any other."""
        names = ["=HYPERLINK(1)", "@SUM(1)", "<script>", "Ö'Brien; DROP TABLE users", "👩‍👩‍👧", "\u202egnp.exe", ""]
        company = a_company(
            users=[{"id": f"u{n}", "tenant": "acme", "name": name} for n, name in enumerate(names)],
            numbers=[],
        )

        assert [user.name for user in records(company, User)] == names

    def test_instants_are_compared_in_utc(self):
        """The file may write them with any offset."""
        assert records(a_company(), Number)[0].sms_enabled_at == datetime(2025, 3, 1, 17, tzinfo=UTC)

    def test_a_number_without_assignment_loses_the_one_it_had(self):
        """The file says what is; null is an answer."""
        assert read(a_company()).entries["numbers"][1].remove == ((Assignment, (OTHER_DID,)),)

    def test_fields_that_mean_nothing_are_counted(self):
        """A field that is spelt wrong would otherwise be lost in silence."""
        company = with_field("users.0.licens", "X2")
        company["campaigns"][0]["carriers"]["dish"] = "approved"

        assert read(company).left_out == {"users[].licens": 1, "campaigns[].carriers.dish": 1}
        assert faults(company) == []

    def test_lists_may_be_left_out(self):
        """A file of tenants only is a file."""
        company = {"format": "a2p-company/1", "tenants": a_company()["tenants"]}

        assert [tenant.id for tenant in records(company, Tenant)] == ["acme", "solo"]


class TestWholeFile:
    @pytest.mark.parametrize(
        ("raw", "message"),
        [
            (b"", "the file is not JSON"),
            (b"tenant,user\n", "the file is not JSON"),
            (b'{"format": "a2p-company/1", "tenants": [{"id": "\\ud800"}]}', "the file is not JSON"),
            (b"\xff\xfe{\x00}\x00", "the file is not JSON"),
            (b"[]", "not of the format a2p-company/1"),
            (b"{}", "not of the format a2p-company/1"),
            (b'{"format": "a2p-company/2"}', "not of the format a2p-company/1"),
            (b'{"format": "a2p-company/1", "users": {}}', "users must be a list of rows"),
        ],
    )
    def test_what_is_not_a_company_file_is_refused_whole(self, raw, message):
        """Nothing of it is imported."""
        with pytest.raises(CompanyFileError, match=message):
            read_company(raw, nothing_known())
