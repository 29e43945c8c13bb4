import pytest

from compliance.decide import decide
from compliance.policy import shipped
from compliance.record import agrees, parse_record
from tests.gateway.running_edge import CANADA, MOBILE, OTHER_MOBILE, OUTSIDERS, ROBS, Tally, assert_problem

pytestmark = pytest.mark.asyncio(loop_scope="session")

ABROAD = "+442071234567"


def told(body, *fields):
    """Some fields of every leg, in order."""
    return [tuple(leg[field] for field in fields) for leg in body["legs"]]


async def test_a_group_is_one_message_with_a_leg_each(edge):
    """Each leg has an id; one outsider is a text, more are an MMS."""
    one, two = await edge.send(to=[MOBILE, "ext:102"]), await edge.send(to=[MOBILE, OTHER_MOBILE, "ext:102"])

    assert (one.status, two.status) == (202, 202)
    assert told(one.json, "to", "channel", "status") == [(MOBILE, "sms", "queued"), ("ext:102", "im", "queued")]
    assert [leg["channel"] for leg in two.json["legs"]] == ["mms", "mms", "im"]
    assert (one.json["partial"], two.json["partial"]) == (False, False)
    ids = {two.json["id"], *(leg["id"] for leg in two.json["legs"])}
    assert len(ids) == 4


async def test_a_list_of_one_is_answered_as_a_list(edge):
    """The shape of the answer follows the shape of the request."""
    answer = await edge.send(to=[MOBILE])

    assert told(answer.json, "to", "channel", "verdict") == [(MOBILE, "sms", "allow")]


async def test_a_group_is_kept_in_one_write(edge):
    """Its legs lie side by side."""
    answer = await edge.send(to=list(OUTSIDERS[:3]))

    entries = {leg["id"].rpartition("-")[0] for leg in answer.json["legs"]}
    assert len(entries) == 1


@pytest.mark.parametrize(
    ("bad", "code", "status"),
    [
        (ABROAD, "destination_country_not_allowed", 403),
        ("911", "destination_emergency", 403),
        ("zq7canary", "invalid_destination", 422),
        ("ext:999", "invalid_destination", 422),
    ],
)
async def test_outsiders_go_all_or_none(edge, bad, code, status):
    """One leg that may not go stops the others, wherever it stands; it is named as the cause."""
    for place, to in enumerate(([bad, MOBILE, OTHER_MOBILE], [MOBILE, bad, OTHER_MOBILE], [MOBILE, OTHER_MOBILE, bad])):
        before = await edge.tally()

        answer = await edge.send(to=to)

        assert_problem(answer, status, code, to)
        assert told(answer.json, "verdict", "status") == [("block", "blocked")] * 3
        assert {leg["reason"]["code"] for leg in answer.json["legs"]} == {code}
        causes = [leg.get("caused_by") for leg in answer.json["legs"]]
        assert causes == [None if leg == place else place for leg in range(3)]
        assert await edge.tally() == Tally(before.accepted, before.refused + 3)


async def test_colleagues_get_it_anyway(edge):
    """The word partial says that outsiders did not."""
    before = await edge.tally()

    answer = await edge.send(to=["ext:102", MOBILE, ABROAD, "user:acme-cat"])

    assert (answer.status, answer.json["partial"]) == (202, True)
    code = "destination_country_not_allowed"
    assert [(leg["status"], leg["reason"]["code"]) for leg in answer.json["legs"]] == [
        ("queued", "ok_internal_im"),
        ("blocked", code),
        ("blocked", code),
        ("queued", "ok_internal_im"),
    ]
    assert answer.json["legs"][1]["caused_by"] == 2
    assert [leg["id"].startswith("r-") for leg in answer.json["legs"]] == [False, True, True, False]
    assert await edge.tally() == Tally(before.accepted + 2, before.refused + 2)


async def test_the_strictest_word_is_every_outsiders(edge):
    """A flag of one is a flag of all; who has done nothing wrong is told who has."""
    answer = await edge.send("uma", to=[CANADA, "ext:102"])
    assert told(answer.json, "verdict", "status") == [("flag", "queued"), ("allow", "queued")]

    answer = await edge.send("uma", to=[CANADA, MOBILE])
    assert_problem(answer, 403, "did_unassigned")
    assert [leg["reason"]["code"] for leg in answer.json["legs"]] == ["did_unassigned"] * 2
    assert [leg.get("caused_by") for leg in answer.json["legs"]] == [1, None]


async def test_legs_that_agree_have_no_cause(edge):
    """Nobody is to blame for what is everybody's own verdict."""
    answer = await edge.send("uma", to=[CANADA, "+16135550144"])

    assert told(answer.json, "verdict") == [("flag",)] * 2
    assert ["caused_by" in leg for leg in answer.json["legs"]] == [False, False]


async def test_ten_outsiders_and_no_more(edge):
    """Colleagues do not count; another tenant's number does."""
    assert (await edge.send(to=[*OUTSIDERS[:10], "ext:102", "ext:103"])).status == 202
    assert_problem(await edge.send(to=[*OUTSIDERS[:10], ROBS]), 422, "too_many_recipients")

    with_colleague = await edge.send(to=[*OUTSIDERS[:11], "ext:102"])
    assert (with_colleague.status, with_colleague.json["partial"]) == (202, True)
    assert with_colleague.json["legs"][0]["reason"]["code"] == "too_many_recipients"


async def test_fifty_in_all_and_no_more(edge):
    """Of whatever kind: the fifty-first makes it a matter for a batch."""
    colleagues = [f"user:someone-{n}" for n in range(40)]

    assert_problem(await edge.send(to=[*OUTSIDERS[:10], *colleagues]), 422, "too_many_recipients")
    assert_problem(await edge.send(to=[*OUTSIDERS[:10], *colleagues, "ext:102"]), 422, "invalid_recipients")


async def test_an_opt_out_of_one_stops_all_outsiders(edge):
    """Nobody is left out in silence."""
    stopped = "+12155550105"
    rows = [{"recipient": stopped, "at": "2026-10-01T15:00:00Z", "keyword": "stop"}]
    assert (await edge.call("PUT", "/v1/opt-outs", key="acme", json={"opt_outs": rows})).status == 200

    answer = await edge.send(to=[MOBILE, stopped])

    assert_problem(answer, 403, "recipient_opted_out")
    assert answer.json["legs"][0]["caused_by"] == 1


async def test_a_group_is_shown_leg_by_leg(edge):
    """Under its own id; each leg under its own, too."""
    answer = await edge.send(to=["ext:102", MOBILE, OTHER_MOBILE])

    shown = await edge.get(f"/v1/messages/{answer.json['id']}")

    assert shown.json["id"] == answer.json["id"]
    assert [leg["id"] for leg in shown.json["legs"]] == [leg["id"] for leg in answer.json["legs"]]
    for leg in answer.json["legs"]:
        assert (await edge.get(f"/v1/messages/{leg['id']}")).json["channel"] == leg["channel"]
    assert_problem(await edge.get(f"/v1/messages/{answer.json['id']}", key="bob"), 404, "not_found")


async def test_records_of_a_group_replay(edge):
    """A leg's record says what the rules say of that leg alone."""
    answer = await edge.send(to=["ext:102", MOBILE, ABROAD])

    for leg in answer.json["legs"]:
        record = parse_record((await edge.get(f"/v1/messages/{leg['id']}/decision")).json)
        assert agrees(decide(record.facts, shipped("current")), record.expected)
        assert record.facts.message.participants == 2


async def test_a_user_without_a_number_reaches_colleagues_only(edge):
    """Outsiders' legs say what is missing."""
    answer = await edge.send("cat", to=["ext:101", MOBILE])

    assert (answer.status, answer.json["partial"]) == (202, True)
    assert [leg["reason"]["code"] for leg in answer.json["legs"]] == ["ok_internal_im", "did_not_sms_enabled"]
