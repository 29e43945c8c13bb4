"""Keys and ids: where a message lives, read off its sender or its id."""

from collections import Counter

import pytest

from gateway.queue.keys import entry_of, partition_of, partition_of_message, place_of_refusal


def test_partitions_are_where_they_always_were():
    """The sum is a contract with what is on disk, the one of cluster key slots: these never change."""
    assert [partition_of("acme", user, 16384) for user in ("ann", "bob", "")] == [821, 10456, 7270]


def test_tenant_and_user_cannot_run_together():
    """Tenant "ab", user "c" is nobody else than tenant "a", user "bc" says."""
    assert partition_of("ab", "c", 16384) != partition_of("a", "bc", 16384)


def test_users_are_spread():
    """No partition gets much more than its share."""
    shares = Counter(partition_of("acme", f"user-{i}", 4) for i in range(4000))
    assert all(800 < shares[partition] < 1200 for partition in range(4))


def test_an_id_says_where_to_look():
    """Partition and entry are in it."""
    assert partition_of_message("3-1700000000000-5-12") == 3
    assert entry_of("3-1700000000000-5-12") == "1700000000000-5"
    assert place_of_refusal("r-3-1700000000000-5") == (3, "1700000000000-5")


@pytest.mark.parametrize(
    "strange",
    [
        "",
        "3",
        "3-1-2",
        "03-1-2-3",
        "3-1-2-03",
        "3-1-2-3-4",
        " 3-1-2-3",
        "3-1-2-3\n",
        "٣-1-2-3",
        "r-3-1-2-3",
        "-3-1-2-3",
    ],
)
def test_strange_ids_are_none_of_ours(strange):
    """Exactly one spelling names a message: two would be two messages to the store."""
    assert partition_of_message(strange) is None
    assert place_of_refusal(strange) is None
    with pytest.raises(ValueError, match="message id"):
        entry_of(strange)
