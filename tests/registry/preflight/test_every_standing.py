"""From every state there is a way to "can send", or a stated dead end; the way is walked, and it is the shortest."""

import functools
import heapq
import itertools
import random
from dataclasses import replace

import pytest

from compliance.reason import Actor
from registry.lifecycle.numbers import ASSIGNMENT, SMS
from registry.lifecycle.registration import BRAND, CAMPAIGN, CARRIER, NUMBER_POOL, SHARING
from registry.lifecycle.standing import Registered, Standing
from registry.preflight.facts import Read
from registry.preflight.guide import DEAD_KIND, DEAD_KINDS
from registry.preflight.look import answer, policy_in_force, way
from registry.preflight.search import shortest
from registry.preflight.situation import NOT_ASKED, Situation, steps_from
from tests.registry.preflight.brute_force import fewest
from tests.registry.preflight.standings import CANADA, KINDS, US, Execution, a_judge, product, words

#: The whole product takes half a minute of an idle processor.
pytestmark = pytest.mark.timeout(600)
#: The judge is slower than the life cycles, and asked of one state in so many.
_EVERY = 7


@pytest.fixture(scope="module")
def judge():
    """Judges what a situation comes to, each once."""
    asked = a_judge()
    return functools.cache(asked.can_send)


def some(count, seed, **fields):
    """Situations picked from all there are, with what the product leaves out."""
    pick = random.Random(seed)
    for _ in range(count):
        campaign = pick.choice(words(CAMPAIGN))
        pool = pick.choice(words(NUMBER_POOL))
        yield Situation(
            standing=Standing(
                registered=Registered(
                    brand=pick.choice(words(BRAND)),
                    campaign=campaign,
                    sharing=pick.choice(words(SHARING)),
                    dca_complete=pick.random() < 0.5,
                    mock=campaign != "" and pick.random() < 0.2,
                    use_case=pick.choice(["low_volume", "sole_proprietor"]),
                ),
                assignment=pick.choice(words(ASSIGNMENT)),
                sms=pick.choice(words(SMS)),
                owned=pick.random() < 0.8,
                licensed=pick.random() < 0.8,
                room=pool == "approved" or pick.random() < 0.6,
                sms_page=pick.random() < 0.5,
            ),
            pool=pool,
            **{"carrier": pick.choice([*words(CARRIER), NOT_ASKED])} | fields,
        )


def walk(plan):
    """Execute a plan."""
    execution = Execution(plan.start)
    for step in plan.steps:
        assert not execution.can_send, "the last steps are not needed"
        execution.take(step.key)
    return execution


class Everything:
    """Every standing of a person's number that there is, all that steps lead to from there, and how far each is.

    A step is also taken by the tables of the life cycles alone, and must come to the same: so a way is one that can be
    walked. How far a standing is, is found backwards from those that can send, once for all of them.
    """

    def __init__(self, can_send):
        self.starts = [Situation(standing=standing) for standing in product(kinds=("local",))]
        self.backwards = {}
        self.ends, seen, ahead = [], set(self.starts), list(self.starts)
        while ahead:
            here = ahead.pop()
            execution = Execution(here)
            if len(ahead) % _EVERY == 0:
                assert execution.can_send == can_send(here), here
            if execution.can_send:
                self.ends.append(here)
                continue
            for step in steps_from(here):
                self._check(here, step)
                self.backwards.setdefault(step.after, []).append((step.advice, here))
                if step.after not in seen:
                    seen.add(step.after)
                    ahead.append(step.after)
        self.costs = self._measured()

    def _check(self, here, step):
        execution = Execution(here)
        execution.take(step.key)
        after = step.after
        registered = replace(execution.standing.registered, use_case=after.standing.registered.use_case)
        assert replace(execution.standing, registered=registered) == after.standing, (here, step.key)
        assert (execution.own is not None) == after.elsewhere, (here, step.key)
        assert (execution.carrier, execution.pool) == (after.carrier, after.pool), (here, step.key)

    def _measured(self):
        costs, count = {}, itertools.count()
        ahead = [(0, 0, next(count), end) for end in self.ends]
        while ahead:
            persons, usual_s, _, here = heapq.heappop(ahead)
            if here in costs:
                continue
            costs[here] = persons, usual_s
            for advice, before in self.backwards.get(here, ()):
                if before not in costs:
                    cost = persons + advice.persons, usual_s + advice.usual_s
                    heapq.heappush(ahead, (*cost, next(count), before))
        return costs


@pytest.fixture(scope="module")
def everything(judge):
    """The whole product for numbers of people, unknown words included."""
    return Everything(judge)


def test_every_standing_has_a_way(everything):
    """Brand x campaign x sharing x dca x assignment x sms x licence x owned x room: from each, steps lead there."""
    assert len(everything.starts) == 9 * 9 * 5 * 2 * 6 * 4 * 2 * 2 * 2
    assert [start for start in everything.starts if start not in everything.costs] == []
    assert all(Execution(end).can_send for end in everything.ends)


def test_other_numbers_are_in_nobodys_way(everything):
    """However many of the person's other numbers are on, the steps are the same; once it goes on, they are off."""
    for here in everything.starts[::31]:
        steps = [(step.key, step.after) for step in steps_from(here)]
        for others in (1, 2):
            there = replace(here, standing=replace(here.standing, others=others))
            found = [(step.key, step.after) for step in steps_from(there)]
            assert [key for key, _ in found] == [key for key, _ in steps]
            for (key, after), (_, alone) in zip(found, steps, strict=True):
                assert after.standing.others in ({0} if key.event == "enable" else {0, others})
                assert replace(after, standing=replace(after.standing, others=0)) == alone


def test_the_search_finds_those_ways(everything, judge):
    """A plan, walked step by step, ends in can_send, and costs what the way costs that was found backwards."""
    for situation in random.Random(0).sample(everything.starts, 3_000):
        plan = shortest([situation], judge)
        assert walk(plan).can_send, (situation, [step.key for step in plan.steps])
        assert (plan.persons, plan.usual_s) == everything.costs[situation]


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"local"}))
def test_other_kinds_are_dead_ends_with_a_way_out(kind):
    """Toll-free numbers, services and what nobody has heard of: said in words, whatever the rest."""
    judge = a_judge()
    for standing in itertools.islice(product(kinds=(kind,)), 0, None, 997):
        situation = Situation(standing=standing)
        assert judge.of(situation).verdict == "block"
        found = answer(Read(as_facts(judge, situation), None, None, (situation,)), policy_in_force())
        assert found.steps == ()
        assert found.dead_end is not None
        assert found.dead_end.text == DEAD_KINDS.get(kind, DEAD_KIND)


def as_facts(judge, situation):
    """The facts that a judge makes of a situation."""
    seen = []
    from registry.preflight import judge as module  # noqa: PLC0415 - to listen to

    original = module.decide
    module.decide = lambda facts, policy: (seen.append(facts), original(facts, policy))[1]
    try:
        judge.of(situation)
    finally:
        module.decide = original
    return seen[0]


def test_carriers_mocks_and_sole_proprietors_have_a_way(judge):
    """What the product leaves out: carriers' states, mock campaigns, brands that declared themselves, number pools."""
    for situation in some(1_500, 1):
        plan = shortest([situation], judge)
        assert plan is not None, situation
        assert walk(plan).can_send, (situation, [step.key for step in plan.steps])


def test_plans_are_the_shortest(judge):
    """Compared with every order of every step there is, harmful ones and detours included."""
    for situation in some(40, 2):
        plan = shortest([situation], judge)
        assert (plan.persons, plan.usual_s) == fewest(situation, judge), (situation, [s.key for s in plan.steps])


def test_plans_to_canada_are_the_shortest():
    """There, what is not registered yet may stay so; also then nothing shorter is overlooked."""
    judge = a_judge(CANADA)
    can_send = functools.cache(judge.can_send)
    for situation in some(40, 3, carrier=NOT_ASKED):
        plan = way(judge, (situation,))
        assert (plan.persons, plan.usual_s) == fewest(situation, can_send), (situation, [s.key for s in plan.steps])


def test_to_canada_only_what_blocks_there_is_told():
    """A rejected campaign is submitted again; that the company is not verified *yet* may stay so."""
    registered = Registered(brand="unverified", campaign="rejected", sharing="accepted", dca_complete=True)
    standing = Standing(registered=registered, assignment="assigned", sms="enabled")
    judge = a_judge(CANADA)
    plan = way(judge, (Situation(standing=standing),))

    assert [step.key for step in plan.steps] == [("campaign", "submitted", "rejected")]
    assert (plan.persons, plan.usual_s) == fewest(Situation(standing=standing), judge.can_send)


def test_the_plan_agrees_with_the_judge():
    """No steps exactly where the judge lets it go; and where a plan ends, the judge lets it go."""
    judge = a_judge(US)
    for situation in some(1_500, 4):
        verdict = judge.of(situation).verdict
        plan = way(judge, (situation,))
        assert (plan.steps == ()) == (verdict in {"allow", "flag"}), situation
        end = plan.steps[-1].after if plan.steps else plan.start
        assert judge.of(end).verdict in {"allow", "flag"}


def test_nothing_harmful_is_told():
    """Nothing is switched off, removed, or moved elsewhere; with a suspension nothing new before it is settled."""
    judge = a_judge()
    for situation in some(1_500, 5):
        plan = way(judge, (situation,))
        keys = [step.key for step in plan.steps]
        assert not {"disable", "remove", "asked_again", "supersede"} & {key.event for key in keys}
        pending = [step for step in plan.steps if step.key.source == "pending" and step.key.event == "assign"]
        assert all(step.after.campaign != situation.campaign or situation.elsewhere for step in pending) or any(
            key.event in {"submitted", "registered"} for key in keys
        )
        deleted = situation.standing.registered.brand in {"deleted", ""}
        if situation.suspended and not deleted:
            anew = {("submitted", "spent"), ("submitted", "")}
            begun = [place for place, key in enumerate(keys) if (key.event, key.source) in anew]
            settled = [place for place, key in enumerate(keys) if key.source == "suspended"]
            assert settled
            assert all(max(settled) < place for place in begun)


def test_the_present_campaign_is_preferred(judge):
    """Another campaign of the company is taken only where that is shorter."""
    good = Registered(brand="verified", campaign="active", sharing="accepted", dca_complete=True)
    here = Situation(standing=Standing(registered=good, sms="enabled"), carrier=NOT_ASKED, campaign="C1")
    there = Situation(standing=Standing(registered=good, sms="enabled"), carrier=NOT_ASKED, campaign="C2")
    ended = Situation(
        standing=Standing(registered=Registered(brand="verified", campaign="expired"), sms="enabled"),
        carrier=NOT_ASKED,
        campaign="C0",
    )

    assert shortest([here, there], judge).start.campaign == "C1"
    assert shortest([ended, there], judge).start.campaign == "C2"


def test_waiting_is_nobodys():
    """A step of nobody has no page; one of an administrator has one."""
    for situation in some(200, 6):
        for step in shortest([situation], functools.cache(a_judge().can_send)).steps:
            for deed in step.advice.deeds:
                assert (deed.page is not None) == (deed.actor is Actor.ADMIN)
