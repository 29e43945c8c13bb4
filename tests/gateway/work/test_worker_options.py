"""Options that cannot work are refused when they are made."""

import pytest

from gateway.work.routing import Route
from gateway.work.worker_options import WorkerOptions

ROUTES = (Route(carrier="acme"),)


class TestOptions:
    def test_the_usual_ones_work(self):
        """Only the routes must be given."""
        assert WorkerOptions(routes=ROUTES).lease_ms == 15_000

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("routes", ()),
            ("lease_ms", 0),
            ("in_hand_max", 0),
            ("idle_min_ms", 0),
            ("idle_max_ms", 1),
            ("receipt_window_ms", 0),
        ],
    )
    def test_a_setting_that_cannot_work_is_named(self, name, value):
        """So that whoever wrote it finds it."""
        with pytest.raises(ValueError, match=f"^{name}: "):
            WorkerOptions(**({"routes": ROUTES} | {name: value}))
