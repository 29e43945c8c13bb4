import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.edge.answers import group_id, ids_of_group, with_ids

#: A busy machine is no reason to fail.
patient = settings(max_examples=60, deadline=None)

ACCEPTED = ("2-1795323549418-0-3", "2-1795323549418-0-4")
REFUSED = ("r-2-1795323549418-1",)


def a_group(*statuses: str) -> dict[str, object]:
    """Build the answer of a group before the store has named its legs."""
    return {"partial": "blocked" in statuses, "legs": [{"to": str(n), "status": s} for n, s in enumerate(statuses)]}


class TestIds:
    def test_one_message_has_the_stores_id(self):
        """Accepted or refused, in front of everything else."""
        assert with_ids({"verdict": "allow"}, ACCEPTED[:1], ()) == {"id": ACCEPTED[0], "verdict": "allow"}
        assert with_ids({"verdict": "block"}, (), REFUSED) == {"id": REFUSED[0], "verdict": "block"}
        assert next(iter(with_ids({"verdict": "allow"}, ACCEPTED[:1], ()))) == "id"

    def test_each_leg_has_its_own(self):
        """Those that went and those that did not are counted apart."""
        answer = with_ids(a_group("queued", "blocked", "scheduled"), ACCEPTED, REFUSED)

        assert [leg["id"] for leg in answer["legs"]] == [ACCEPTED[0], REFUSED[0], ACCEPTED[1]]
        assert answer["id"] == group_id(ACCEPTED)

    def test_a_refused_group_has_its_first_legs(self):
        """There is nothing in the queue that it could be named after."""
        answer = with_ids(a_group("blocked"), (), REFUSED)

        assert (answer["id"], answer["legs"][0]["id"]) == (REFUSED[0], REFUSED[0])

    def test_a_replay_says_the_same(self):
        """The answer is remembered without ids, which are put in again: byte for byte what was said first."""
        first = with_ids(a_group("queued", "blocked"), ACCEPTED[:1], REFUSED)
        replayed = with_ids(orjson.loads(orjson.dumps(a_group("queued", "blocked"))), ACCEPTED[:1], REFUSED)

        assert orjson.dumps(replayed) == orjson.dumps(first)

    def test_the_remembered_answer_is_not_changed(self):
        """It may be given again."""
        answer = a_group("queued")
        with_ids(answer, ACCEPTED[:1], ())

        assert "id" not in answer["legs"][0]


class TestGroups:
    @patient
    @given(
        st.integers(0, 1_023), st.integers(0, 10**14), st.integers(0, 10**6), st.integers(0, 9_999), st.integers(1, 50)
    )
    def test_a_groups_id_names_its_legs(self, partition, ms, seq, first, number):
        """The first and how many there are: the legs of one message lie side by side."""
        ids = tuple(f"{partition}-{ms}-{seq}-{first + place}" for place in range(number))

        assert ids_of_group(group_id(ids)) == list(ids)

    @pytest.mark.parametrize(
        "name",
        [
            *("", "g", "g-", "g-1", "2-1-0-3", "g-2-1-0-3", "g-2-1-0-3-2-1", "g-2-1-0-3-2\n", " g-2-1-0-3-2"),
            *("G-2-1-0-3-2", "g-r-2-1-0-2", "g-2-1-0-3-0", "g-2-1-0-3-999", "g-2-1-0-3--2", "g-٢-1-0-3-2"),
        ],
    )
    def test_other_names(self, name):
        """None of them stands for any leg."""
        assert ids_of_group(name) == []
