"""Who goes next on the way to a carrier."""

import asyncio

from gateway.envelope import TrafficClass
from gateway.work.lanes import Lanes
from gateway.work.tenure import Job, Tenure
from tests.gateway.working import CARRIER, SENDER, some_envelope

BULK = f"{CARRIER}/bulk"


def a_tenure(partition=0):
    """A tenure that nobody writes for."""
    return Tenure(None, partition=partition, epoch=1, until_s=1e12, in_hand_max=10, ended=lambda _: None)


def a_job(name, *, to="+14155550143", traffic_class=TrafficClass.BULK, tenure=None):
    """A message to somebody."""
    partition = (tenure or TENURE).partition
    return Job(
        id=name,
        payload=b"{}",
        envelope=some_envelope(recipient=to, traffic_class=traffic_class),
        lane=f"{CARRIER}/{traffic_class}",
        attempts=0,
        conversation=(partition, 1, SENDER, to),
        tenure=tenure or TENURE,
        since_s=asyncio.get_running_loop().time(),
    )


TENURE = a_tenure()


def lanes_with(*jobs):
    """Lanes in which these wait."""
    lanes = Lanes(CARRIER, changed=lambda: None)
    for job in jobs:
        lanes.put(job)
    return lanes


def ids(groups):
    """Name the messages of each group."""
    return [[job.id for job in group] for group in groups]


class TestTaking:
    async def test_a_conversation_goes_one_after_the_other(self):
        """The second waits until the first is done, and others pass."""
        lanes = lanes_with(a_job("a1", to="+1a"), a_job("a2", to="+1a"), a_job("b1", to="+1b"))

        first = lanes.take(9, 1)
        assert ids(first) == [["a1"], ["b1"]]
        assert lanes.take(9, 1) == []

        lanes.done(first[0])
        assert ids(lanes.take(9, 1)) == [["a2"]]

    async def test_a_conversation_may_share_a_request(self):
        """In order, as far as there is room."""
        lanes = lanes_with(*(a_job(f"a{turn}", to="+1a") for turn in range(5)), a_job("b", to="+1b"))

        assert ids(lanes.take(4, 3)) == [["a0", "a1", "a2"], ["b"]]

    async def test_urgent_goes_first(self):
        """Then people, then bulk; within a class, who came first."""
        lanes = lanes_with(
            a_job("bulk", to="+1a"),
            a_job("p2p", to="+1b", traffic_class=TrafficClass.P2P),
            a_job("urgent", to="+1c", traffic_class=TrafficClass.URGENT),
            a_job("p2p later", to="+1d", traffic_class=TrafficClass.P2P),
        )

        assert ids(lanes.take(9, 1)) == [["urgent"], ["p2p"], ["p2p later"], ["bulk"]]

    async def test_nothing_goes_without_room(self):
        """Zero is zero, and less is too."""
        lanes = lanes_with(a_job("a"))

        assert [lanes.take(0, 1), lanes.take(-3, 1)] == [[], []]


class TestStanding:
    async def test_a_paused_lane_stands_and_the_others_go(self):
        """Until its time is over."""
        lanes = lanes_with(a_job("a"), a_job("b", to="+1b", traffic_class=TrafficClass.URGENT))
        lanes.pause(BULK, 0.02)

        assert ids(lanes.take(9, 1)) == [["b"]]
        assert lanes.stands(BULK, patience_s=60)
        await asyncio.sleep(0.03)
        assert ids(lanes.take(9, 1)) == [["a"]]
        assert not lanes.stands(BULK, patience_s=60)

    async def test_a_longer_pause_is_not_shortened(self):
        """Two answers, two delays: the longer one counts."""
        lanes = lanes_with(a_job("a"))
        lanes.pause(BULK, 60)
        lanes.pause(BULK, 0.001)
        await asyncio.sleep(0.005)

        assert lanes.take(9, 1) == []

    async def test_a_lane_with_an_old_message_stands(self):
        """However busy it is."""
        lanes = lanes_with(a_job("a"))
        await asyncio.sleep(0.01)

        assert lanes.stands(BULK, patience_s=0.005)
        assert not lanes.stands(BULK, patience_s=60)
        assert lanes.depth(BULK)[0] == 1

    async def test_held_messages_come_back_before_those_behind_them(self):
        """And done() does not let the others pass."""
        lanes = lanes_with(*(a_job(f"a{turn}") for turn in range(4)))
        (group,) = lanes.take(9, 2)

        lanes.hold(group, 0.02)
        lanes.done(group)
        assert lanes.take(9, 9) == []
        await asyncio.sleep(0.03)
        assert ids(lanes.take(9, 9)) == [["a0", "a1", "a2", "a3"]]

    async def test_what_is_held_waits_for_its_group(self):
        """Others of its request may be at the carrier for longer than it is held; nobody goes twice."""
        lanes = lanes_with(a_job("a1", to="+1a"), a_job("b", to="+1b"), a_job("a2", to="+1a"))
        (group,) = lanes.take(2, 2)
        assert ids([group]) == [["a1", "a2"]]
        lanes.hold(group, 0.001)
        await asyncio.sleep(0.01)

        assert ids(lanes.take(9, 1)) == [["b"]]
        lanes.done(group)
        lanes.put(a_job("a3", to="+1a"))
        await asyncio.sleep(0.01)
        assert ids(lanes.take(9, 9)) == [["a1", "a2", "a3"]]


class TestWithdrawing:
    async def test_only_what_waits_leaves(self):
        """In order; what is under way stays, and what comes later waits for it still."""
        lanes = lanes_with(*(a_job(f"a{turn}", to="+1a") for turn in range(3)), a_job("b", to="+1b"))
        (under_way,) = lanes.take(1, 1)

        assert sorted(job.id for job in lanes.withdraw(BULK, TENURE)) == ["a1", "a2", "b"]
        lanes.put(a_job("a3", to="+1a"))
        assert lanes.take(9, 1) == []
        lanes.done(under_way)
        assert ids(lanes.take(9, 1)) == [["a3"]]

    async def test_other_partitions_stay(self):
        """A lane is shared by all partitions of a worker."""
        other = a_tenure(partition=1)
        lanes = lanes_with(a_job("mine 1"), a_job("theirs", tenure=other), a_job("mine 2"))

        assert [job.id for job in lanes.withdraw(BULK, TENURE)] == ["mine 1", "mine 2"]
        assert ids(lanes.take(9, 1)) == [["theirs"]]
        assert lanes.depth(BULK)[0] == 0
