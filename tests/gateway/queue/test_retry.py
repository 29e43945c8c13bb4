"""What becomes of a message after a carrier answered, or did not."""

import random
from datetime import UTC, datetime

import pytest

from compliance.codes import Code
from gateway.connectors import (
    CarrierAccepted,
    CarrierMisconfigured,
    CarrierRejected,
    CarrierTemporary,
    CarrierThrottled,
    InDoubt,
)
from gateway.connectors.offers import NotTaken, Silent
from gateway.queue import Event, Status
from gateway.queue.retry import (
    DoubtPolicy,
    GiveUp,
    RetryAt,
    Submitted,
    after,
    after_defer,
    after_doubt,
    asks_again,
    failures_in,
    resends_in,
)

NOW = 1_000_000_000
HOUR = 3_600_000


class Highest(random.Random):
    """Chance that always draws the highest."""

    def uniform(self, a, b):
        """Return b."""
        return b

    def randrange(self, start, *_):
        """Return the last one."""
        return start - 1


def step(said, failures=1, expires_ms=NOW + 10 * HOUR):
    """Ask, with the longest waits that chance allows."""
    return after(said, failures=failures, now_ms=NOW, expires_ms=expires_ms, rng=Highest())


AFTER = [
    # label, the carrier said, failures, what follows
    ("taken", CarrierAccepted("c1"), 0, Submitted(reference="c1")),
    ("refused for good", CarrierRejected("blocked"), 0, GiveUp(status=Status.FAILED, code="carrier_blocked")),
    ("not now", CarrierTemporary("http_503"), 1, RetryAt(due_ms=NOW + 5_000, code="carrier_http_503")),
    ("not now, again", CarrierTemporary("http_503"), 2, RetryAt(due_ms=NOW + 10_000, code="carrier_http_503")),
    ("the fifth time", CarrierTemporary("http_503"), 5, RetryAt(due_ms=NOW + 80_000, code="carrier_http_503")),
    ("capped", CarrierTemporary("http_503"), 9, RetryAt(due_ms=NOW + 900_000, code="carrier_http_503")),
    ("capped for ever", CarrierTemporary("http_503"), 10_000, RetryAt(due_ms=NOW + 900_000, code="carrier_http_503")),
    ("too fast", CarrierThrottled(2.5), 0, RetryAt(due_ms=NOW + 2_500, code="carrier_throttled")),
    ("too fast, no word", CarrierThrottled(None), 0, RetryAt(due_ms=NOW + 1_000, code="carrier_throttled")),
    ("too fast, at once", CarrierThrottled(0), 0, RetryAt(due_ms=NOW + 1_000, code="carrier_throttled")),
    ("too fast, for ever", CarrierThrottled(1e12), 0, RetryAt(due_ms=NOW + 300_000, code="carrier_throttled")),
    (
        "too fast, infinitely",
        CarrierThrottled(float("inf")),
        0,
        RetryAt(due_ms=NOW + 300_000, code="carrier_throttled"),
    ),
    ("too fast, backwards", CarrierThrottled(-5), 0, RetryAt(due_ms=NOW + 1_000, code="carrier_throttled")),
    ("who are you", CarrierMisconfigured("401"), 0, RetryAt(due_ms=NOW + 60_000, code="carrier_misconfigured")),
]


class TestAfter:
    @pytest.mark.parametrize(
        ("said", "failures", "expected"), [row[1:] for row in AFTER], ids=[row[0] for row in AFTER]
    )
    def test_each_answer_has_its_step(self, said, failures, expected):
        """Only a temporary refusal waits longer each time."""
        assert step(said, failures) == expected

    @pytest.mark.parametrize("said", [CarrierTemporary("http_503"), CarrierThrottled(5), CarrierMisconfigured("401")])
    def test_what_could_only_go_too_late_expires(self, said):
        """At the border: due at the expiry is too late, a millisecond before it is not."""
        due_ms = step(said).due_ms

        assert step(said, expires_ms=due_ms) == GiveUp(status=Status.EXPIRED, code="validity_expired")
        assert step(said, expires_ms=due_ms + 1) == RetryAt(due_ms=due_ms, code=step(said).code)

    def test_the_wait_is_drawn_from_all_of_it(self):
        """Full jitter: those that failed together do not come back together."""
        waits = [
            after(CarrierTemporary("x"), failures=3, now_ms=0, expires_ms=HOUR, rng=random.Random(seed)).due_ms
            for seed in range(200)
        ]

        assert min(waits) < 2_000
        assert 18_000 < max(waits) <= 20_000


RESEND, UNKNOWN = DoubtPolicy.RESEND, DoubtPolicy.UNKNOWN
ENDED = GiveUp(status=Status.UNKNOWN, code="doubt_timeout")
AGAIN = RetryAt(due_ms=NOW + 5_000, code="doubt_timeout")
FOUND = Submitted(reference="c1", code="doubt_timeout")

DOUBTS = [
    # label, policy, resends so far, the carrier's answer, what follows
    ("cannot be asked", RESEND, 0, None, AGAIN),
    ("cannot be asked, again", RESEND, 1, None, ENDED),
    ("cannot be asked, not to be resent", UNKNOWN, 0, None, ENDED),
    ("has it", RESEND, 0, CarrierAccepted("c1"), FOUND),
    ("has it after all", UNKNOWN, 1, CarrierAccepted("c1"), FOUND),
    ("has it not", UNKNOWN, 0, NotTaken(), AGAIN),
    ("has it not, again", RESEND, 1, NotTaken(), ENDED),
    ("does not say", RESEND, 0, InDoubt("timeout"), AGAIN),
    ("does not say, not to be resent", UNKNOWN, 0, InDoubt("timeout"), ENDED),
    ("was silent to the end", RESEND, 0, Silent("timeout"), AGAIN),
    ("was silent to the end, not to be resent", UNKNOWN, 0, Silent("timeout"), ENDED),
]


class TestAfterDoubt:
    @pytest.mark.parametrize(
        ("policy", "resends", "answer", "expected"), [row[1:] for row in DOUBTS], ids=[row[0] for row in DOUBTS]
    )
    def test_each_doubt_has_its_step(self, policy, resends, answer, expected):
        """Sent again once at most, and never on a guess where the policy forbids it."""
        assert self.step(answer, policy, resends) == expected

    def test_too_late_to_send_again_is_unknown(self):
        """Not expired: the carrier may have it."""
        assert self.step(None, RESEND, 0, expires_ms=AGAIN.due_ms) == ENDED
        assert self.step(None, RESEND, 0, expires_ms=AGAIN.due_ms + 1) == AGAIN

    def step(self, answer, policy, resends, expires_ms=NOW + HOUR):
        """Ask, with the longest wait that chance allows."""
        return after_doubt(
            InDoubt("timeout"),
            answer,
            policy=policy,
            resends=resends,
            now_ms=NOW,
            expires_ms=expires_ms,
            rng=Highest(),
        )


class TestAsksAgain:
    @pytest.mark.parametrize("answer", [None, CarrierAccepted("c1"), NotTaken(), InDoubt("http_405")])
    def test_an_answer_is_an_answer(self, answer):
        """And whom nobody can ask gives none."""
        assert not asks_again(answer, since_ms=NOW, now_ms=NOW, expires_ms=NOW + HOUR)

    @pytest.mark.parametrize(("waited_ms", "again"), [(0, True), (27_999, True), (28_000, False), (HOUR, False)])
    def test_who_is_silent_is_asked_for_a_while(self, waited_ms, again):
        """The last time before half a minute is over."""
        now_ms = NOW + waited_ms
        assert asks_again(Silent("timeout"), since_ms=NOW, now_ms=now_ms, expires_ms=NOW + 2 * HOUR) == again

    def test_never_so_long_that_it_is_too_late(self):
        """What may not be sent any more is decided before."""
        assert asks_again(Silent("timeout"), since_ms=NOW, now_ms=NOW, expires_ms=NOW + 2_001)
        assert not asks_again(Silent("timeout"), since_ms=NOW, now_ms=NOW, expires_ms=NOW + 2_000)


class TestAfterDefer:
    #: Noon in California, ten seconds past.
    NOON = datetime(2026, 11, 20, 20, 0, 10, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("reason", "earliest", "latest"),
        [
            (Code.THROUGHPUT_DID, datetime(2026, 11, 20, 20, 0, 11, tzinfo=UTC), 1_000),
            (Code.THROUGHPUT_ATT_CAMPAIGN, datetime(2026, 11, 20, 20, 1, tzinfo=UTC), 5_000),
            (Code.DAILY_CAP_TMO_BRAND, datetime(2026, 11, 21, 8, 0, tzinfo=UTC), 60_000),
        ],
    )
    def test_each_limit_has_its_window(self, reason, earliest, latest):
        """The next second, the next minute, the next day in California, and a little by chance."""
        earliest_ms = int(earliest.timestamp() * 1000)
        now_ms = int(self.NOON.timestamp() * 1000)

        drawn = [after_defer(reason, now_ms=now_ms, rng=random.Random(seed)) for seed in range(100)]

        assert all(earliest_ms <= due_ms < earliest_ms + latest for due_ms in drawn)
        assert len(set(drawn)) > 50


class TestHistory:
    #: A message's events as the store keeps them.
    EVENTS = tuple(
        Event(seq=seq, status=status, at_ms=seq, code=code)
        for seq, (status, code) in enumerate(
            [
                (Status.QUEUED, ""),
                (Status.SUBMITTING, ""),
                (Status.QUEUED, "carrier_http_503"),
                (Status.SUBMITTING, ""),
                (Status.QUEUED, "carrier_throttled"),
                (Status.SUBMITTING, ""),
                (Status.QUEUED, "carrier_misconfigured"),
                (Status.SUBMITTING, ""),
                (Status.QUEUED, "doubt_timeout"),
                (Status.SUBMITTING, ""),
                (Status.QUEUED, "begin_unknown"),
                (Status.SUBMITTING, ""),
                (Status.QUEUED, "carrier_http_500"),
                (Status.UNKNOWN, "doubt_timeout"),
            ],
            start=1,
        )
    )

    def test_only_refusals_of_the_message_count_as_failures(self):
        """Too fast and who-are-you say nothing about it."""
        assert failures_in(self.EVENTS) == 2

    def test_only_doubts_that_were_sent_again_count_as_resends(self):
        """The last doubt ended it."""
        assert resends_in(self.EVENTS) == 1
