"""GET /v1/preflight: the judge's own verdict on the rows as they are, and the way to yes."""

import pytest
import pytest_asyncio

from registry.commands import change
from registry.credentials import mint
from registry.database import Database
from registry.preflight.guide import DEAD_KINDS
from registry.provisioning.reasons import MEANINGS
from registry.records import Contact, OptOut
from tests.registry.admin import SOLO_DID, serving, two_companies
from tests.registry.builders import AT, DID, OTHER_DID, a_brand, a_campaign, a_number, a_user, an_assignment
from tests.valkey import Valkey

pytestmark = pytest.mark.asyncio(loop_scope="module")

MOBILE = "+13035550111"
CANADA = "+16135550143"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(databases, tmp_path_factory):
    """A served registry with acme and solo; tests set rows as they need them."""
    with databases.new(tmp_path_factory.mktemp("data"), migrated=True) as settings, Valkey() as server:
        async with Database.opened(settings) as database:
            texts = await two_companies(database)
            support = mint(tenant="acme", user=None, scopes=("support",), label="")
            await put(database, support.record)
            async with serving(settings, server.url, texts | {"support": support.text}) as api:
                yield api, database


async def put(database, *records):
    """Set rows."""
    async with database.writing() as connection:
        await change(connection, actor="test", put=records)


async def ask(api, to=MOBILE, number=DID, **options):
    """Ask; number None leaves it out."""
    given = {"to": to} | ({} if number is None else {"from": number}) | options.pop("query", {})
    return await api.call("GET", "/v1/preflight", params=given, **options)


async def steps(api, **asked):
    """What is to be done, by whom and where."""
    answer = await ask(api, **asked)
    assert answer.status == 200, answer.body
    return [(step["actor"], step["action"], step["page"]) for step in answer.body["steps"]]


async def test_a_number_that_may_text(shared):
    """Yes, with no steps; a carrier that has not approved yet is a flag where the recipient's is not known."""
    api, database = shared
    await put(database, an_assignment(), a_number(), a_campaign())

    answer = await ask(api, number="(202) 555-0101")

    assert answer.status == 200
    assert (answer.body["verdict"], answer.body["can_send"], answer.body["steps"]) == ("flag", True, [])
    assert answer.body["from"] == DID
    assert answer.body["user"] == "ben"
    assert answer.body["findings"] == [{"code": "campaign_mno_not_approved", "severity": "flag"}]
    assert "dead_end" not in answer.body


async def test_the_way_is_shown_whole(shared):
    """A number that is switched off: who does what on which page, how long it takes, and why."""
    api, _ = shared

    answer = await ask(api, number=OTHER_DID)

    assert (answer.body["verdict"], answer.body["reason"]["code"]) == ("block", "did_not_sms_enabled")
    assert answer.body["reason"]["text"].startswith("Number +1 202 ••• 0102 has texting switched off")
    assert answer.body["steps"] == [
        {
            "actor": "admin",
            "action": "Switch texting on for the number.",
            "page": "phone-system/users",
            "href": "/console/phone-system/users",
            "usual": {"text": "a few minutes", "min_s": 60, "max_s": 600},
            "why": "Texting is switched off for the number; a new number gets its campaign by itself.",
        },
        {
            "actor": "nobody",
            "action": "The assignment takes up to 48 hours.",
            "page": None,
            "href": None,
            "usual": {"text": "up to 48 hours", "min_s": 3600, "max_s": 172_800},
            "why": "The number is being put into its campaign: do not switch it off and on.",
        },
    ]


async def test_a_step_that_is_taken_is_gone(shared):
    """The plan's own steps, taken through the API, lead to yes."""
    api, database = shared
    await put(database, a_user("eve"), a_number("+12025550120", user="eve", sms="disabled", sms_enabled_at=None))
    assert len(await steps(api, number="+12025550120")) == 2

    done = await api.call("POST", "/v1/numbers/+12025550120/enable", {})
    assert done.status in {200, 202}, done.body
    assert await steps(api, number="+12025550120") == [("nobody", "The assignment takes up to 48 hours.", None)]

    await put(database, an_assignment("+12025550120", state="assigned"))
    assert (await ask(api, number="+12025550120")).body["can_send"] is True


async def test_the_recipients_carrier_counts(shared):
    """Approved everywhere else does not help somebody at the one carrier that has not."""
    api, database = shared
    await put(database, Contact(number="+13035550177", carrier="us_cellular", line="mobile"))

    answer = await ask(api, to="+13035550177")

    assert (answer.body["verdict"], answer.body["reason"]["code"]) == ("block", "campaign_mno_not_approved")
    assert [step["action"] for step in answer.body["steps"]] == ["Carriers review a campaign within 1 to 3 days."]
    await put(database, a_campaign(us_cellular="suspended"))
    assert [one[0] for one in await steps(api, to="+13035550177")] == ["admin", "operator"]
    await put(database, a_campaign(osr_status=0))
    await put(database, Contact(number="+13035550178", carrier="tmobile", line="mobile"))
    assert (await ask(api, to="+13035550178")).body["reason"]["code"] == "campaign_mno_not_approved"
    await put(database, a_campaign())


async def test_a_good_campaign_is_nearer_than_a_new_one(shared):
    """A number in an ended campaign moves to the company's other one; nothing moves while one is suspended."""
    api, database = shared
    await put(database, a_campaign(status="expired"))
    answer = await ask(api)
    assert [step["action"] for step in answer.body["steps"]] == [
        "Assign the number to an approved campaign.",
        "The assignment takes up to 48 hours.",
    ]
    assert "campaign CTWO" in answer.body["steps"][0]["why"]

    await put(database, a_campaign(status="suspended"))
    assert await steps(api) == [
        ("admin", "Read why it was suspended and contact support.", "registration/campaigns"),
        ("operator", "Settle the complaint with the carrier.", None),
    ]
    await put(database, a_campaign())


async def test_an_assignment_that_does_not_fit(shared):
    """An import may leave one whose brand is another: it counts as failed, and is assigned again."""
    api, database = shared
    await put(database, a_brand("BODD"), an_assignment(brand_id="BODD"))

    answer = await ask(api)

    assert answer.body["reason"]["code"] == "did_assignment_failed"
    assert answer.body["steps"][0]["action"] == "Assign the number to its campaign again."
    await put(database, an_assignment())


async def test_why_it_failed(shared):
    """What the aggregator said stands beside the step; where trying again does not help, support comes first."""
    api, database = shared
    other = MEANINGS["NUMBER_HELD_BY_OTHER_PROVIDER"].sentence
    await put(database, an_assignment(state="failed", fault=other))
    again = (await ask(api)).body["steps"]
    assert (again[0]["action"], again[0]["why"]) == ("Assign the number to its campaign again.", other)

    await put(database, an_assignment(state="failed", fault=MEANINGS["NUMBER_NOT_SMS_CAPABLE"].sentence))
    assert [(step["actor"], step["action"]) for step in (await ask(api)).body["steps"]] == [
        ("admin", "Contact support with the number."),
        ("operator", "Have what keeps the number out of its campaign put right."),
        ("admin", "Assign the number to its campaign again."),
        ("nobody", "The assignment takes up to 48 hours."),
    ]
    await put(database, an_assignment())


@pytest.mark.parametrize("kind", sorted(DEAD_KINDS))
async def test_kinds_that_never_text(shared, kind):
    """A stated dead end, and no steps that would lead nowhere."""
    api, database = shared
    await put(database, a_number("+12025550130", kind=kind))

    body = (await ask(api, number="+12025550130")).body

    assert (body["can_send"], body["steps"]) == (False, [])
    assert body["dead_end"]["text"] == DEAD_KINDS[kind]


async def test_only_the_recipient_lifts_an_opt_out(shared):
    """However much else would have to be done: it would not help."""
    api, database = shared
    await put(database, OptOut(tenant="acme", recipient="+13035550166", at=AT, keyword="stop", number=None))
    await put(database, a_number(sms="superseded"))

    body = (await ask(api, to="(303) 555-0166")).body

    assert (body["can_send"], body["steps"]) == (False, [])
    assert body["dead_end"] == {
        "code": "recipient_opted_out",
        "text": "The recipient can text START to any number of your company.",
    }
    await put(database, a_number())


async def test_one_that_was_taken_back_is_none(shared):
    """The copy of an import stays, and stops nobody."""
    api, database = shared
    lifted = OptOut(tenant="acme", recipient="+13035550167", at=AT, keyword="stop", number=None, lifted_at=AT)
    await put(database, lifted)

    assert "dead_end" not in (await ask(api, to="(303) 555-0167")).body


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("+442079460000", "destination_country_not_allowed"),
        ("911", "destination_emergency"),
        ("nobody", "invalid_destination"),
        ("user:nobody", "invalid_destination"),
        ("user:sol", "invalid_destination"),
        ("ext:1001", "invalid_destination"),
        ("user:\x00", "invalid_destination"),
    ],
)
async def test_whom_nobody_may_text(shared, to, code):
    """No registration makes it possible."""
    api, _ = shared

    body = (await ask(api, to=to)).body

    assert (body["reason"]["code"], body["dead_end"]["code"], body["steps"]) == (code, code, [])


@pytest.mark.parametrize("to", ["user:ann", OTHER_DID, "202-555-0102"])
async def test_colleagues_need_nothing(shared, to):
    """An instant message, as in the gateway."""
    api, _ = shared

    assert (await ask(api, to=to)).body["reason"]["code"] == "ok_internal_im"


async def test_canada_takes_what_is_not_registered_yet(shared):
    """There the same number may go that the United States refuse."""
    api, database = shared
    await put(database, a_number("+12025550140"))

    assert (await ask(api, number="+12025550140", to=CANADA)).body["reason"]["code"] == "ok_non_us_destination"
    assert (await ask(api, number="+12025550140")).body["reason"]["code"] == "did_unassigned"


async def test_by_person(shared):
    """Where no number is named, it is the person's enabled one, else the one that would be enabled, else none."""
    api, database = shared
    await put(database, a_user("zed", licence="X1"), a_user("pat"))
    await put(database, a_number("+12025550150", user="pat", sms="superseded"))

    assert (await ask(api, number=None, query={"user": "ben"})).body["can_send"] is True
    pat = (await ask(api, number=None, query={"user": "pat"})).body
    assert (pat["from"], pat["reason"]["code"]) == ("+12025550150", "did_superseded")
    zed = (await ask(api, number=None, query={"user": "zed"})).body
    assert (zed["from"], zed["user"], zed["reason"]["code"]) == (None, "zed", "invalid_sender")
    assert [step["action"] for step in zed["steps"]] == [
        "Give the user a local number.",
        "Give the user a licence of X2 or higher.",
        "Switch texting on for the number.",
        "The assignment takes up to 48 hours.",
    ]


async def test_a_number_that_nobody_has(shared):
    """It lies in the pool: first somebody gets it."""
    api, database = shared
    await put(database, a_number("+12025550160", user=None, sms="disabled", sms_enabled_at=None))

    answer = await ask(api, number="+12025550160")

    assert (answer.body["reason"]["code"], answer.body["user"]) == ("did_not_owned_by_sender", None)
    assert answer.body["steps"][0]["action"] == "Give the number to a user."


@pytest.mark.parametrize("number", [SOLO_DID, "+12025550199", "nonsense", "+1202555010\x00"])
async def test_others_numbers_are_as_unknown_as_none(shared, number):
    """One answer for all."""
    api, _ = shared
    answer = await ask(api, number=number)

    assert (answer.status, answer.body["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("number", "query", "code"),
    [
        (None, {}, "missing_field"),
        (None, {"user": "sol"}, "unknown_user"),
        (None, {"user": "nobody"}, "unknown_user"),
        (DID, {"user": "ben"}, "unknown_field"),
        (DID, {"text": "hi"}, "unknown_field"),
    ],
)
async def test_what_cannot_be_asked(shared, number, query, code):
    """The field is named."""
    api, _ = shared
    answer = await ask(api, number=number, query=query)

    assert (answer.status, answer.body["code"]) == (422, code)


@pytest.mark.parametrize(("key", "status"), [("support", 200), ("sender", 403), ("person", 403), ("", 401)])
async def test_who_may_ask(shared, key, status):
    """Admins and support; programs and employees have the gateway's own answer."""
    api, _ = shared

    assert (await ask(api, key=key)).status == status
