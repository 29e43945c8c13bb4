"""Scenarios: what is refused with the field's name, and which rule applies when."""

import aiohttp
import orjson
import pytest

from loadtests.carrier.behaviours import Behaviour, receipt_plans
from loadtests.carrier.director import Director
from loadtests.carrier.magic import magic_table
from loadtests.carrier.scenario import BadScenarioError, load_scenario, read_scenario
from loadtests.carrier.wire import Submission

PLANS = receipt_plans(delay_ms=10, late_ms=100)

#: what the rule or the scenario is, what the error must begin with
WRONG = [
    ([], "scenario: must be an object"),
    ({"name": "x"}, "scenario: needs rules"),
    ({"rules": {}}, "scenario: needs rules"),
    ({"rules": [], "seed": 1}, "scenario.seed: unknown field"),
    ({"rules": [7]}, "rules[0]: must be an object"),
    ({"rules": [{}, {"behavior": "hang"}]}, "rules[1].behavior: unknown field"),
    ({"rules": [{"behaviour": "explode"}]}, "rules[0].behaviour: must be one of accept"),
    ({"rules": [{"behaviour": "hang", "per": "message"}]}, 'rules[0].per: must be "request"'),
    ({"rules": [{"per": "connection"}]}, "rules[0].per: must be"),
    ({"rules": [{"behaviour": "reject", "retry_after": 1}]}, "rules[0].retry_after: means nothing with reject"),
    ({"rules": [{"behaviour": "throttle", "retry_after": 0.5}]}, "rules[0].retry_after: must be a whole number"),
    ({"rules": [{"behaviour": "temporary", "status_code": 418}]}, "rules[0].status_code: must be 500"),
    ({"rules": [{"behaviour": "slow", "delay_ms": -1}]}, "rules[0].delay_ms: must be a whole number"),
    ({"rules": [{"times": 0}]}, "rules[0].times: must be a whole number, 1 or more"),
    ({"rules": [{"behaviour": "reject", "receipts": "late"}]}, "rules[0].receipts: means nothing with reject"),
    ({"rules": [{"receipts": "sometimes"}]}, "rules[0].receipts: must be a list of receipts or one of delivered"),
    ({"rules": [{"receipts": [{"status": "lost"}]}]}, "rules[0].receipts[0].status: must be one of enroute"),
    ({"rules": [{"receipts": [{"status": "delivered", "after": 1}]}]}, "rules[0].receipts[0].after: unknown field"),
    ({"rules": [{"match": []}]}, "rules[0].match: must be an object"),
    ({"rules": [{"match": {"recipient": "+1"}}]}, "rules[0].match.recipient: unknown field"),
    ({"rules": [{"match": {"to": 1}}]}, "rules[0].match.to: must be a string"),
    ({"rules": [{"match": {"every": 0}}]}, "rules[0].match.every: must be a whole number, 1 or more"),
    ({"rules": [{"match": {"probability": 5}}]}, "rules[0].match.probability: must be from 0 to 1"),
    ({"rules": [{"match": {"probability": True}}]}, "rules[0].match.probability: must be from 0 to 1"),
    ({"rules": [{"match": {"submissions": [9, 3]}}]}, "rules[0].match.submissions: must be [from, until]"),
    ({"rules": [{"match": {"seconds": 2}}]}, "rules[0].match.seconds: must be [from, until]"),
]


def scenario(*rules):
    """Return a scenario of these rules."""
    return read_scenario({"rules": list(rules)}, PLANS, slow_ms=100)


def submission(reference="m-1", to="+12125550143", sender="+14155550199"):
    """Return a submission as it was read."""
    return Submission(reference=reference, sender=sender, recipient=to, text="x", media_count=0, receipt_url=None)


class Clock:
    """Seconds that pass when a test says so."""

    now = 1000.0

    def __call__(self):
        """Return the time."""
        return self.now


@pytest.fixture
def clock():
    """Return a clock that stands."""
    return Clock()


@pytest.fixture
def director(clock):
    """Return a director with all magic numbers."""
    return Director(magic=magic_table(PLANS, slow_ms=100), usual=Behaviour(), seed=7, clock=clock)


def kinds(director, count, **fields):
    """Return the behaviour's names of so many messages, each of its own request."""
    names = []
    for number in range(count):
        one = submission(f"m-{number}", **fields)
        names.append(director.for_message(one, director.for_request([one])).kind.value)
    return names


@pytest.mark.parametrize(("data", "message"), WRONG, ids=[row[1] for row in WRONG])
def test_a_wrong_scenario_is_refused_with_its_field(data, message):
    """The message begins with the path of the field."""
    with pytest.raises(BadScenarioError) as refused:
        read_scenario(data, PLANS, slow_ms=100)

    assert str(refused.value).startswith(message)


def test_json_and_toml_say_the_same(tmp_path):
    """The file's name decides how it is read; a window in TOML ends with its list."""
    (tmp_path / "s.json").write_text(
        '{"name": "s", "rules": [{"match": {"seconds": [1, null], "to": "+1212"}, "behaviour": "drop_answer"}]}',
    )
    (tmp_path / "s.toml").write_text(
        'name = "s"\n[[rules]]\nmatch = {seconds = [1], to = "+1212"}\nbehaviour = "drop_answer"\n',
    )
    from_json, from_toml = (load_scenario(tmp_path / name, PLANS, slow_ms=100) for name in ("s.json", "s.toml"))

    assert (from_json.name, from_json.rules) == (from_toml.name, from_toml.rules)


@pytest.mark.parametrize(("name", "content"), [("a.json", "{"), ("a.toml", "= 1"), ("gone.json", None)])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, content):
    """Broken or missing, the message says which file."""
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(BadScenarioError, match=name):
        load_scenario(tmp_path / name, PLANS, slow_ms=100)


def test_the_first_rule_that_applies_is_followed(director):
    """Order is priority, and the end of the list is the usual behaviour."""
    director.use(
        scenario({"match": {"to": "+1646"}, "behaviour": "reject"}, {"match": {"to": "+1"}, "behaviour": "throttle"})
    )

    assert kinds(director, 1, to="+16465550100") == ["reject"]
    assert kinds(director, 1, to="+12125550143") == ["throttle"]
    assert kinds(director, 1, to="+442079460000") == ["accept"]


def test_a_rule_goes_before_a_magic_number(director):
    """A scenario speaks for everybody; without it the magic number does."""
    assert kinds(director, 1, to="+13125550110") == ["reject"]
    director.use(scenario({"behaviour": "temporary"}))
    assert kinds(director, 1, to="+13125550110") == ["temporary"]


def test_every_nth_of_those_that_fit(director):
    """Counting begins at the first that fits; others are not counted."""
    director.use(scenario({"match": {"every": 3, "from": "+1415"}, "behaviour": "reject"}))

    assert kinds(director, 2, sender="+12125550100") == ["accept"] * 2
    assert kinds(director, 6) == ["accept", "accept", "reject"] * 2


def test_a_window_of_submissions(director):
    """From is inside, until is outside, counted from 0."""
    director.use(scenario({"match": {"submissions": [1, 3]}, "behaviour": "drop_answer"}))

    assert kinds(director, 4) == ["accept", "drop_answer", "drop_answer", "accept"]


def test_a_window_of_seconds_begins_when_the_scenario_is_set(director, clock):
    """Throttled "for two seconds": the border from both sides, and again after the same scenario is set anew."""
    two_seconds = scenario({"match": {"seconds": [0, 2]}, "behaviour": "throttle"})
    for _ in range(2):
        director.use(two_seconds)
        clock.now += 1.999
        assert kinds(director, 1) == ["throttle"]
        clock.now += 0.001
        assert kinds(director, 1) == ["accept"]


def test_a_probability_repeats_with_the_seed(director):
    """5 % means about 5 %, and the same messages meet it every time."""
    lossy = scenario({"match": {"probability": 0.05}, "behaviour": "drop_answer"})
    director.use(lossy)
    first = kinds(director, 4000)
    director.use(lossy)

    assert first == kinds(director, 4000)
    assert 140 < first.count("drop_answer") < 260


@pytest.mark.parametrize(("probability", "kind"), [(0, "accept"), (1, "reject")])
def test_a_probability_of_nothing_and_of_all(director, probability, kind):
    """0 is never and 1 is always."""
    director.use(scenario({"match": {"probability": probability}, "behaviour": "reject"}))

    assert [kind] * 50 == kinds(director, 50)


def test_times_limits_a_rule_for_each_reference(director):
    """Only the first submissions of a reference meet it."""
    director.use(scenario({"behaviour": "temporary", "times": 2}))

    seen = [director.for_message(submission("same"), None).kind for _ in range(4)]
    assert seen == ["temporary", "temporary", "accept", "accept"]
    assert director.for_message(submission("other"), None).kind == "temporary"


async def test_a_scenario_can_be_set_shown_and_ended_at_run_time(carrier):
    """PUT switches at once, GET shows what was set, no rules end it, and the ledger has each switch."""
    rule = {"behaviour": "reject", "code": "spam"}
    await carrier.set_scenario(rule)
    assert ((answer := await carrier.submit())[0], answer[1]["code"]) == (422, "spam")
    assert {"name": "test", "rules": [rule]} == orjson.loads((await carrier.get("/scenario"))[1])

    await carrier.set_scenario()
    assert (await carrier.submit())[0] == 202
    assert [(each["name"], each["rules"]) for each in await carrier.ledger("scenario")] == [
        ("none", 0),
        ("test", 1),
        ("test", 0),
    ]


@pytest.mark.parametrize("body", [b"{", b'{"rules": [{"per": 1}]}'])
async def test_a_wrong_scenario_changes_nothing(carrier, body):
    """400 says what is wrong and the scenario before stays in force."""
    await carrier.set_scenario({"behaviour": "reject"})
    async with carrier.session.put(f"{carrier.url}/scenario", data=body) as answer:
        assert (answer.status, (await answer.json())["code"]) == (400, "malformed")

    assert (await carrier.submit())[0] == 422


async def test_a_request_can_be_throttled_as_a_whole(carrier):
    """With per = request a batch gets one 429, and none of its messages is taken."""
    await carrier.set_scenario({"behaviour": "throttle", "retry_after": 3, "per": "request"})
    status, headers, _ = await carrier.post([carrier.message("a"), carrier.message("b")])

    assert (status, headers["Retry-After"]) == (429, "3")
    assert [each["taken"] for each in await carrier.ledger("received")] == [False, False]


async def test_lost_answers_and_receipts_of_a_rules_own(carrier, receiver):
    """A rule can lose the answer and still say which receipts come."""
    plan = [{"status": "enroute", "after_ms": 5}, {"status": "expired", "code": "X9", "after_ms": 60}]
    await carrier.set_scenario({"behaviour": "drop_answer", "receipts": plan})
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await carrier.submit()

    receipts = await receiver.wait_for(2)
    assert [(each["status"], each["code"]) for each in receipts] == [("enroute", "0"), ("expired", "X9")]
