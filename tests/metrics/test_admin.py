import pytest
from aiohttp import ClientSession
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics_families
from prometheus_client.parser import text_string_to_metric_families

from metrics.admin import admin_app, serve_admin


class Readiness:
    """What the process would answer; a test changes its mind."""

    def __init__(self):
        self.reason = None

    def __call__(self):
        """Say why not, or None."""
        return self.reason


@pytest.fixture
def ready():
    """A process that is ready until a test says otherwise."""
    return Readiness()


@pytest.fixture
async def admin(everything, gateway, ready):
    """A client of an admin port that serves all instruments."""
    async with (
        serve_admin(admin_app(everything, ready), "127.0.0.1", 0) as port,
        ClientSession(f"http://127.0.0.1:{port}") as client,
    ):
        yield client


class TestMetrics:
    async def test_prometheus_can_read_it(self, admin, gateway):
        """As text, with what was counted."""
        gateway.decided("sms", "allow", "ok_registered")

        async with admin.get("/metrics") as answer:
            assert answer.content_type == "text/plain"
            families = {family.name: family for family in text_string_to_metric_families(await answer.text())}

        assert [sample.value for sample in families["gateway_decisions"].samples] == [1.0]
        assert {"gateway_accept_seconds", "worker_submissions", "registry_heartbeats"} <= families.keys()

    async def test_a_scrape_that_asks_for_open_metrics_gets_it(self, admin, gateway):
        """Newer servers ask for it first, and its reader is stricter."""
        gateway.decided("sms", "allow", "ok_registered")

        async with admin.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}) as answer:
            assert answer.content_type == "application/openmetrics-text"
            families = {family.name for family in open_metrics_families(await answer.text())}

        assert {"gateway_decisions", "worker_lane_messages", "registry_apply_seconds"} <= families

    async def test_counters_have_no_twin_of_their_birth(self, admin):
        """A _created series beside every counter would double the scrape for nobody."""
        async with admin.get("/metrics") as answer:
            assert "_created" not in await answer.text()


class TestHealth:
    async def test_a_process_that_answers_is_alive_ready_or_not(self, admin, ready):
        """A restart does not help a process that waits for its store."""
        ready.reason = "queue_unreachable"

        async with admin.get("/healthz") as answer:
            assert (answer.status, await answer.text()) == (200, "ok")

    async def test_readiness_is_asked_each_time_and_says_why_not(self, admin, ready):
        """503 with one word; 200 when it has passed."""
        ready.reason = "registry_unavailable"
        async with admin.get("/readyz") as answer:
            assert (answer.status, await answer.text()) == (503, "registry_unavailable")

        ready.reason = None
        async with admin.get("/readyz") as answer:
            assert (answer.status, await answer.text()) == (200, "ok")


class TestServing:
    async def test_a_taken_port_is_an_error_at_the_start(self, everything):
        """Two processes with one admin port would hide each other."""
        async with serve_admin(admin_app(everything, lambda: None), "127.0.0.1", 0) as port:
            with pytest.raises(OSError, match="address already in use"):
                async with serve_admin(admin_app(everything, lambda: None), "127.0.0.1", port):
                    pytest.fail("bound a port that was taken")

    async def test_the_port_is_free_again_afterwards(self, everything):
        """Also when the block ends by an error."""

        async def serve_and_fail(port):
            async with serve_admin(admin_app(everything, lambda: None), "127.0.0.1", port) as bound:
                raise LookupError(bound)

        with pytest.raises(LookupError) as first:
            await serve_and_fail(0)
        with pytest.raises(LookupError) as second:
            await serve_and_fail(first.value.args[0])
        assert first.value.args == second.value.args
