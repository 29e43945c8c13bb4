"""Which sends come in when there is too much of something, who is spared, and what the others are told."""

import pytest

from gateway.edge.admission import Admission, Cause, Pressure, Ticket
from gateway.errors import Problem

LEAST = 512


class Stage:
    """An admission with a clock and an observer of its own."""

    def __init__(self, **options):
        self.now = 100.0
        self.sheds = []
        self.admission = Admission(self, clock=lambda: self.now, **options)
        for tenant in ("flood", "small", "third"):
            self.admission.learn(tenant, tenant)

    def shed(self, cause):
        """Note."""
        self.sheds.append(cause)

    def fill(self, key="flood", number=None):
        """Let in as many as come in, or a number of them."""
        tickets = []
        while number is None or len(tickets) < number:
            entered = self.admission.enter(key)
            if isinstance(entered, Problem):
                assert number is None, entered.code
                return tickets
            tickets.append(entered)
        return tickets

    def serve(self, seconds, *, turn_s=0.001, rate=1_000, offered=None):
        """Let time pass in which sends of one tenant are done at a rate, each after a turn; none stays under way."""
        steps = round(seconds / 0.05)
        for step in range(steps):
            number = round(rate * (step + 1) / steps * seconds) - round(rate * step / steps * seconds)
            entered = [self.admission.enter("flood") for _ in range(number if offered is None else offered)]
            tickets = [one for one in entered if isinstance(one, Ticket)]
            self.now += turn_s
            for ticket in tickets:
                self.admission.turn(ticket)
            for ticket in tickets:
                self.admission.leave(ticket)
            self.now += 0.05 - turn_s


@pytest.fixture
def stage():
    """A new one."""
    return Stage()


class TestWhatIsUnderWay:
    def test_so_many_and_no_more(self, stage):
        """The next is told 503 with a time; who leaves makes room."""
        tickets = stage.fill()
        assert len(tickets) == stage.admission.under_way == LEAST
        refused = stage.admission.enter("flood")
        assert (refused.code, refused.retry_after_s) == ("overloaded", 1)
        assert set(stage.sheds) == {"busy"}

        stage.admission.leave(tickets[0])
        assert isinstance(stage.admission.enter("flood"), Ticket)

    def test_it_all_comes_back(self, stage):
        """However much was let in and turned away."""
        for _ in range(3):
            for ticket in stage.fill():
                stage.admission.leave(ticket)
        assert stage.admission.under_way == 0
        assert stage.admission._by_tenant == {}
        stage.now += 1
        stage.admission.leave(stage.fill(number=1)[0])
        stage.now += 1
        stage.fill(number=1)
        assert len(stage.admission._tickets) == 1

    def test_there_may_be_more_where_turns_are_short(self, stage):
        """The limit grows by as much as is wanted."""
        for _ in range(22):
            stage.serve(0.1, turn_s=0.001, offered=2_600)
        assert stage.admission.limit > 2_000

    def test_it_does_not_grow_for_nothing(self, stage):
        """While nobody needs more it stays."""
        stage.serve(5, rate=1_000)
        assert stage.admission.limit == LEAST

    def test_there_may_be_less_where_turns_are_long(self, stage):
        """Down to a floor, below which turning away would be all that is done."""
        for _ in range(22):
            stage.serve(0.1, turn_s=0.001, offered=2_600)
        grown = stage.admission.limit
        stage.serve(0.3, turn_s=0.009, offered=2_600)
        assert stage.admission.limit >= grown
        for _ in range(100):
            tickets = stage.fill()
            stage.now += 0.06
            for ticket in tickets:
                stage.admission.turn(ticket)
                stage.admission.leave(ticket)
            stage.now += 0.06
        assert stage.admission.limit == LEAST

    def test_somebody_elses_long_turns(self, stage):
        """What blocks the loop while little is under way is no reason to let in less."""
        stage.admission.limit = 1_000
        for _ in range(50):
            for ticket in stage.fill(number=10):
                stage.now += 0.01
                stage.admission.turn(ticket)
                stage.admission.leave(ticket)
        assert stage.admission.limit == 1_000


class TestShares:
    def test_a_flood_shuts_nobody_out(self, stage):
        """Whoever has less than an equal part comes in, up to that part."""
        flood = stage.fill("flood")
        small = stage.fill("small")
        assert len(flood) == LEAST
        assert len(small) == LEAST // 2
        assert stage.admission.enter("small").code == "rate_limited"
        assert stage.sheds[-1] == "share"

    def test_the_flood_falls_back_to_its_part(self, stage):
        """As what it has under way ends."""
        flood = stage.fill("flood")
        stage.fill("small", number=100)
        for ticket in flood[:120]:
            stage.admission.leave(ticket)
        again = stage.fill("flood")
        assert len(flood) - 120 + len(again) == max(LEAST // 2, LEAST - 100)
        refused = stage.admission.enter("flood")
        assert (refused.code, stage.sheds[-1]) == ("rate_limited", "share")

    def test_who_has_gone_has_no_part(self, stage):
        """Two seconds after its last send, the others share without it."""
        small = stage.fill("small", number=1)
        stage.admission.leave(small[0])
        for _ in range(4):
            stage.now += 1.01
            for ticket in stage.fill("flood", number=1):
                stage.admission.leave(ticket)
        stage.fill("flood")
        assert stage.admission.enter("flood").code == "overloaded"

    def test_who_has_shown_no_good_key_is_one(self, stage):
        """However many keys somebody invents, they have one part; a good key has its own."""
        invented = [stage.admission.enter(f"invented-{n}") for n in range(1_000)]
        assert sum(isinstance(one, Ticket) for one in invented) == LEAST
        assert isinstance(stage.admission.enter("small"), Ticket)
        assert isinstance(stage.admission.enter("third"), Ticket)
        assert isinstance(stage.admission.enter("new, and good"), Problem)
        stage.admission.learn("new, and good", "new")
        assert isinstance(stage.admission.enter("new, and good"), Ticket)

    def test_keys_that_are_remembered_do_not_grow_for_ever(self, stage):
        """Forgetting them costs a part for a moment, and no memory."""
        for n in range(40_000):
            stage.admission.learn(f"key {n}", "tenant")
        assert len(stage.admission._tenants) <= 16_384


class TestWaiting:
    def test_nothing_is_put_behind_what_waits_for_long(self):
        """Until it has an answer; then at once again."""
        stage = Stage(wait_s=0.5)
        (oldest,) = stage.fill(number=1)
        stage.now += 0.4
        (second,) = stage.fill(number=1)
        stage.now += 0.2
        refused = stage.admission.enter("small")
        assert (refused.code, stage.sheds) == ("overloaded", ["waiting"])
        stage.admission.leave(oldest)
        stage.now += 0.2
        assert isinstance(stage.admission.enter("small"), Ticket)
        assert not second.ended

    def test_when_to_come_again(self):
        """As long as it takes already, and for all of those under way, at the pace at which they were done before."""
        stage = Stage(wait_s=0.5)
        stage.serve(3, rate=100)
        stage.fill(number=200)
        stage.now += 0.05
        stage.fill(number=1)
        stage.now += 6
        assert 7 <= stage.admission.enter("small").retry_after_s <= 15


class TestRetryAfter:
    def test_it_is_computed(self, stage):
        """From how many were turned away in a second, and how many were done."""
        stage.admission.limit = LEAST
        said = {}
        for offered in (LEAST + 26, 4 * LEAST):
            for _ in range(22):
                tickets = stage.fill(number=LEAST)
                for _ in range(offered - LEAST):
                    refused = stage.admission.enter("flood")
                stage.now += 0.1
                for ticket in tickets:
                    stage.admission.turn(ticket)
                    stage.admission.leave(ticket)
                stage.admission.limit = LEAST
                stage.now += 0.01
            said[offered] = refused.retry_after_s
        assert said[LEAST + 26] == 1
        assert said[4 * LEAST] in {3, 4}

    def test_it_is_spread(self, stage):
        """Those who are turned away together are not all told the same, and never more than a minute."""
        stage.admission.pressure = Pressure(Cause.BACKLOG, 10.2)
        told = [stage.admission.enter("flood") for _ in range(60)]
        assert {one.code for one in told} == {"queue_full"}
        assert {one.retry_after_s for one in told} == set(range(11, 17))
        stage.admission.pressure = Pressure(Cause.BACKLOG, 1e9)
        assert {stage.admission.enter("flood").retry_after_s for _ in range(50)} == {60}
        assert stage.sheds == ["backlog"] * 110


def test_a_batch_counts_for_more(stage):
    """By what it is likely to cost; its body is here when it begins."""
    assert stage.admission.objection("flood") is None
    ticket = stage.admission.begin("flood", LEAST)
    assert stage.admission.objection("flood").code == "overloaded"
    stage.admission.leave(ticket)
    assert stage.admission.objection("flood") is None
