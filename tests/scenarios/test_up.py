"""The demonstration as a stranger meets it: real processes, real ports, one command."""

import socket

import pytest

from tests.scenarios.instance import STOP_S, free_base, processes_of, wait_until_gone

#: One after the other: each starts eight processes.
pytestmark = [pytest.mark.xdist_group("up"), pytest.mark.timeout(500)]


def test_a_start_shows_every_verdict_stops_cleanly_and_finds_its_data_again(start):
    """The first messages show an IM, an allowed, a flagged and blocked ones; Ctrl-C ends all; keys stay valid."""
    up = start("one")
    demo = up.ready()
    said = up.stop()

    for expected in (
        "ok_internal_im",
        "ok_registered",
        "destination_landline",
        "did_unassigned",
        "recipient_opted_out",
    ):
        assert expected in said
    assert up.process.returncode == 0
    assert wait_until_gone(up.data_dir) == []
    assert set(demo["urls"]) == {
        "gateway",
        "gateway_admin",
        "worker_admin",
        "registry",
        "registry_admin",
        "canary_admin",
        "carrier",
        "tcr",
        "aggregator",
    }
    assert set(demo["numbers"]) == {
        "registered",
        "unassigned",
        "pending",
        "suspended",
        "disabled",
        "superseded",
        "colleague",
        "other_tenant",
    }
    assert demo["canary"] not in demo["numbers"].values()
    assert demo["admin_keys"].keys() == demo["api_keys"].keys()
    assert set(demo["recipients"]) == {"mobile", "opted_out", "landline", "canada"}
    assert (up.data_dir / "demo.json").stat().st_mode & 0o777 == 0o600

    (up.data_dir / "demo.json").unlink()
    again = start("one", up.port_base)
    assert demo["user_keys"] == again.ready()["user_keys"]
    again.stop()


def test_two_instances_run_side_by_side_and_a_third_on_the_same_data_is_refused(start):
    """Data and ports move together; one data directory has one master."""
    first, second = start("one"), start("two", free_base())
    first.ready()
    second.ready()

    third = start("one", free_base())
    said, _ = third.process.communicate(timeout=STOP_S)

    assert third.process.returncode == 1
    assert b"in use by another instance" in said


def test_nothing_outlives_a_supervisor_that_is_killed(start):
    """Kill -9 gives it no chance to stop its children: they see the end of their pipe."""
    up = start("one")
    up.ready()
    assert len(processes_of(up.data_dir)) > 6

    up.process.kill()
    up.process.communicate()

    assert wait_until_gone(up.data_dir) == []


def test_a_taken_port_is_named(start, tmp_path):
    """Somebody else's port is their right; we say which and what to do."""
    base = free_base()
    with socket.socket() as other:
        other.bind(("127.0.0.1", base + 2))
        other.listen()
        up = start("one", base)
        said, _ = up.process.communicate(timeout=STOP_S)

    assert up.process.returncode == 1
    assert f"port {base + 2}" in said.decode()
    assert "--port-base" in said.decode()
