"""How seldom a process on a message's way looks for garbage, and that it leaves the collector as it was."""

import gc

from gateway.garbage import GARBAGE, seldom_collected


def test_it_is_searched_seldom_and_not_through_what_stays():
    """Until the process ends; who runs one within another process finds the collector as it was."""
    before = gc.get_threshold()
    try:
        with seldom_collected():
            inside = gc.get_threshold(), gc.get_freeze_count()
    finally:
        after = gc.get_threshold()
        gc.unfreeze()

    assert inside[0][0] == GARBAGE
    assert inside[1] > 0
    assert after == before
