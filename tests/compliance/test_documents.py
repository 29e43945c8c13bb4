"""The bytes in the registry store. Processes of other versions read them: a golden value that changes breaks these.

The rule beside the format: fields are only added, at the end, with a default; readers skip what they do not know.
"""

from datetime import UTC, date, datetime, timedelta, timezone

import orjson
import pytest

from compliance import documents
from compliance.documents import ExtensionDocument, KeyDocument, LineDocument, TokenKeyDocument, UserDocument
from compliance.facts import Brand, Campaign, CarrierStates, Declarations, Owner, SenderNumber
from compliance.shapes import ShapeError
from tests.builders import an_assignment

#: Name of the document, a full value, and its bytes.
GOLDEN = [
    (
        "number",
        SenderNumber(
            owner=Owner(tenant="t1", user="u1"),
            kind="toll_free",
            sms="superseded",
            sms_enabled_at=datetime(2024, 3, 1, 17, 0, tzinfo=UTC),
            number_changed_at=datetime(2024, 3, 2, 9, 30, tzinfo=timezone(timedelta(hours=-8))),
            licence_changed_at=datetime(2024, 3, 3, 0, 0, 1, tzinfo=timezone(timedelta(hours=5, minutes=45))),
            toll_free_verification="pending",
            assignment=an_assignment(state="removing"),
        ),
        (
            b'{"v":1,"owner":{"tenant":"t1","user":"u1"},"kind":"toll_free","sms":"superseded",'
            b'"sms_enabled_at":"2024-03-01T17:00:00Z","number_changed_at":"2024-03-02T09:30:00-08:00",'
            b'"licence_changed_at":"2024-03-03T00:00:01+05:45","toll_free_verification":"pending",'
            b'"assignment":{"state":"removing","campaign_id":"C1","brand_id":"B1"}}'
        ),
    ),
    (
        "campaign",
        Campaign(
            id="C1",
            brand_id="B1",
            use_case="mixed",
            status="active",
            sub_use_cases=("2fa", "marketing"),
            sharing="accepted",
            dca_complete=True,
            mock=True,
            carriers=CarrierStates(att="approved", tmobile="review", verizon="rejected", us_cellular="suspended"),
            osr_status=4,
            declares=Declarations(embedded_link=True, age_gated=True),
            att_class="T",
        ),
        (
            b'{"v":1,"id":"C1","brand_id":"B1","use_case":"mixed","sub_use_cases":["2fa","marketing"],"status":"active",'
            b'"sharing":"accepted","dca_complete":true,"mock":true,"carriers":{"att":"approved","tmobile":"review",'
            b'"verizon":"rejected","us_cellular":"suspended"},"osr_status":4,"declares":{"embedded_link":true,'
            b'"embedded_phone":false,"age_gated":true,"direct_lending":false},"att_class":"T"}'
        ),
    ),
    (
        "brand",
        Brand(id="B1", status="vetted_verified", vetting_score=80, government=True),
        b'{"v":1,"id":"B1","status":"vetted_verified","vetting_score":80,"government":true}',
    ),
    (
        "user",
        UserDocument(id="u1", tenant="t1", customer_since=date(2024, 3, 1), number="+12025550111"),
        b'{"v":1,"id":"u1","tenant":"t1","customer_since":"2024-03-01","number":"+12025550111"}',
    ),
    ("extension", ExtensionDocument(user="u1"), b'{"v":1,"user":"u1"}'),
    (
        "key",
        KeyDocument(id="k1", sha256="ab" * 32, tenant="t1", user="u1", scopes=("send", "read")),
        b'{"v":1,"id":"k1","sha256":"' + b"ab" * 32 + b'","tenant":"t1","user":"u1","scopes":["send","read"]}',
    ),
    ("line", LineDocument(carrier="att", line="mobile"), b'{"v":1,"carrier":"att","line":"mobile"}'),
    ("token_key", TokenKeyDocument(id="j1", x="A" * 43), b'{"v":1,"id":"j1","x":"' + b"A" * 43 + b'"}'),
]
#: What a first writer had to write; the rest has a default.
SMALLEST = [
    ("number", SenderNumber(), b'{"v":1}'),
    (
        "campaign",
        Campaign(id="C1", brand_id="B1", use_case="mixed", status="draft"),
        b'{"v":1,"id":"C1","brand_id":"B1","use_case":"mixed","status":"draft"}',
    ),
    ("brand", Brand(id="B1", status="pending"), b'{"v":1,"id":"B1","status":"pending"}'),
    (
        "user",
        UserDocument(id="u1", tenant="t1", customer_since=date(2024, 3, 1)),
        b'{"v":1,"id":"u1","tenant":"t1","customer_since":"2024-03-01"}',
    ),
    ("extension", ExtensionDocument(user="u1"), b'{"v":1,"user":"u1"}'),
    (
        "key",
        KeyDocument(id="k1", sha256="ab", tenant="t1"),
        b'{"v":1,"id":"k1","sha256":"ab","tenant":"t1"}',
    ),
    ("line", LineDocument(), b'{"v":1}'),
    ("token_key", TokenKeyDocument(id="j1", x=""), b'{"v":1,"id":"j1","x":""}'),
]
NAMES = [name for name, _, _ in GOLDEN]


def dump(name, value):
    """Write a document of this name."""
    return getattr(documents, f"dump_{name}")(value)


def load(name, raw):
    """Read a document of this name."""
    return getattr(documents, f"load_{name}")(raw)


class TestBytes:
    @pytest.mark.parametrize(("name", "value", "raw"), GOLDEN, ids=NAMES)
    def test_golden(self, name, value, raw):
        """These very bytes, and back."""
        assert dump(name, value) == raw
        assert load(name, raw) == value

    @pytest.mark.parametrize(
        ("raw", "load_it", "said", "plain"),
        [
            (documents.dump_brand(Brand(id="B1", status="pending"), name="Acme"), "load_brand_name", "Acme", "brand"),
            (documents.dump_number(SenderNumber(), pool_of="t1"), "load_pool_of", "t1", "number"),
            (
                documents.dump_campaign(
                    Campaign(id="C1", brand_id="B1", use_case="mixed", status="draft"), help_message="Call us"
                ),
                "load_help_message",
                "Call us",
                "campaign",
            ),
        ],
    )
    def test_what_only_people_get_to_read(self, raw, load_it, said, plain):
        """It stands at the end, the judge does not see it, and an older writer did not know it."""
        assert raw.endswith(f'"{said}"}}'.encode())
        assert getattr(documents, load_it)(raw) == said
        assert load(plain, raw) == next(value for name, value, _ in SMALLEST if name == plain)
        assert getattr(documents, load_it)(next(raw for name, _, raw in SMALLEST if name == plain)) == ""

    @pytest.mark.parametrize(("name", "value", "raw"), SMALLEST, ids=NAMES)
    def test_what_is_left_out_has_a_default(self, name, value, raw):
        """An older writer did not know it."""
        assert load(name, raw) == value
        assert load(name, dump(name, value)) == value

    @pytest.mark.parametrize(("name", "value", "raw"), GOLDEN, ids=NAMES)
    def test_what_is_unknown_is_skipped(self, name, value, raw):
        """A newer writer added it, also inside."""
        data = orjson.loads(raw)
        for part in [data, *(inner for inner in data.values() if isinstance(inner, dict))]:
            part["added_later"] = {"x": 1}

        assert load(name, orjson.dumps(data)) == value

    @pytest.mark.parametrize(
        ("name", "field"),
        [
            ("number", "owner"),
            ("number", "assignment"),
            ("number", "sms_enabled_at"),
            ("campaign", "carriers"),
            ("campaign", "declares"),
            ("campaign", "sub_use_cases"),
            ("campaign", "osr_status"),
            ("campaign", "att_class"),
            ("brand", "vetting_score"),
            ("user", "number"),
            ("key", "user"),
            ("key", "scopes"),
            ("line", "carrier"),
            ("line", "line"),
        ],
    )
    def test_null_is_as_good_as_left_out(self, name, field):
        """For what may be unknown."""
        data = orjson.loads({each: raw for each, _, raw in SMALLEST}[name])

        assert load(name, orjson.dumps(data | {field: None})) == load(name, orjson.dumps(data))


class TestRefused:
    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"1", b"null", b'{"v":2}', b"{}", b'{"v":"1"}', b"\xff"])
    def test_what_is_no_document(self, name, raw):
        """Neither JSON nor this version."""
        with pytest.raises(ShapeError, match=f"^{name}"):
            load(name, raw)

    @pytest.mark.parametrize(
        ("name", "field"),
        [
            (name, field)
            for name, _, raw in GOLDEN
            for field, value in orjson.loads(raw).items()
            if not isinstance(value, dict)
        ],
    )
    @pytest.mark.parametrize("value", [{}, -1, 1.5])
    def test_a_field_of_a_wrong_kind_is_named(self, name, field, value):
        """No document is half read."""
        data = orjson.loads({each: raw for each, _, raw in GOLDEN}[name]) | {field: value}

        with pytest.raises(ShapeError, match=rf"^{name}\.{field}: "):
            load(name, orjson.dumps(data))

    @pytest.mark.parametrize(
        ("name", "field"),
        [("number", "owner"), ("number", "assignment"), ("campaign", "carriers"), ("campaign", "declares")],
    )
    @pytest.mark.parametrize("value", ["x", [], 0, False])
    def test_a_part_of_a_wrong_kind_too(self, name, field, value):
        """Also one that is empty."""
        data = orjson.loads({each: raw for each, _, raw in GOLDEN}[name]) | {field: value}

        with pytest.raises(ShapeError, match=rf"^{name}\.{field}: must be an object"):
            load(name, orjson.dumps(data))


class TestKeys:
    def test_all_are_in_one_slot(self):
        """So that one function call writes them together."""
        assert [
            documents.MARK_KEY,
            documents.FEED_KEY,
            documents.number_key("+12025550111"),
            documents.campaign_key("C1"),
            documents.brand_key("B1"),
            documents.user_key("u1"),
            documents.extension_key("t1", "1001"),
            documents.api_key_key("k1"),
            documents.line_key("+14155550143"),
            documents.token_key_key("j1"),
        ] == [
            "{reg}:mark",
            "{reg}:feed",
            "{reg}:num:+12025550111",
            "{reg}:camp:C1",
            "{reg}:brand:B1",
            "{reg}:user:u1",
            "{reg}:ext:t1:1001",
            "{reg}:key:k1",
            "{reg}:line:+14155550143",
            "{reg}:jwk:j1",
        ]
