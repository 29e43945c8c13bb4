from tests.metrics.reading import value


def test_an_apply_counts_its_documents_and_its_time(registry, registry_metrics):
    """Documents add up; the number of applies is the histogram's count."""
    registry_metrics.applied(500, 0.25)
    registry_metrics.applied(3, 0.5)

    assert value(registry, "registry_applied_documents_total") == 503
    assert value(registry, "registry_apply_seconds_sum") == 0.75
    assert value(registry, "registry_apply_seconds_count") == 2


def test_failures_and_heartbeats_are_not_applies(registry, registry_metrics):
    """Each has its own series; neither writes a document."""
    registry_metrics.apply_failed()
    registry_metrics.heartbeat()
    registry_metrics.heartbeat()

    assert value(registry, "registry_apply_failures_total") == 1
    assert value(registry, "registry_heartbeats_total") == 2
    assert value(registry, "registry_apply_seconds_count") == 0


def test_the_lag_is_what_was_set_last(registry, registry_metrics):
    """A gauge: it falls to 0 when the store has caught up."""
    registry_metrics.outbox_lag(42)
    registry_metrics.outbox_lag(0)

    assert value(registry, "registry_outbox_lag_changes") == 0


def test_a_wait_is_counted_by_its_end(registry, registry_metrics):
    """What was not known to be effective has no time."""
    registry_metrics.barrier("processes", 0.25)
    registry_metrics.barrier("leases", 6.5)
    registry_metrics.barrier("not_yet", 8.0)

    ends = [value(registry, "registry_barriers_total", outcome=end) for end in ("processes", "leases", "not_yet")]
    assert ends == [1, 1, 1]
    assert value(registry, "registry_effective_seconds_count") == 2
    assert value(registry, "registry_effective_seconds_sum") == 6.75


def test_processes_are_those_of_the_last_look(registry, registry_metrics):
    """With how far the last of them is behind."""
    registry_metrics.processes(3, 12)
    registry_metrics.processes(2, 0)

    assert value(registry, "registry_processes") == 2
    assert value(registry, "registry_processes_behind_changes") == 0


def test_the_ledger_counts_what_it_writes_and_what_it_lost(registry, registry_metrics):
    """A gap of which nobody can say how large it is, is one all the same."""
    registry_metrics.ledger_wrote(50, 0.5)
    registry_metrics.ledger_wrote(7, 0.25)
    registry_metrics.ledger_gap(12)
    registry_metrics.ledger_gap(0)
    registry_metrics.ledger_lag(40)
    registry_metrics.ledger_lag(3)
    registry_metrics.ledger_unreadable(2)
    registry_metrics.ledger_trimmed(9)
    registry_metrics.ledger_moved()
    registry_metrics.ledger_failed()

    names = ("rows_total", "write_seconds_sum", "gaps_total", "lost_entries_total", "lag_entries", "unreadable_total")
    assert [value(registry, f"registry_ledger_{name}") for name in names] == [57, 0.75, 2, 12, 3, 2]
    names = ("trimmed_rows_total", "moved_total", "failures_total")
    assert [value(registry, f"registry_ledger_{name}") for name in names] == [9, 1, 1]


def test_provisioning_counts_what_was_done_and_what_waits(registry, registry_metrics):
    """Steps and events by what became of them; the jobs of a state that has none fall back to 0."""
    registry_metrics.provisioning_step("confirm")
    registry_metrics.provisioning_event("applied")
    registry_metrics.provisioning_call_failed()
    registry_metrics.provisioning_jobs({"due": 3, "stuck": 1})
    registry_metrics.provisioning_jobs({"stuck": 2})

    assert value(registry, "registry_provisioning_steps_total", outcome="confirm") == 1
    assert value(registry, "registry_provisioning_events_total", outcome="applied") == 1
    assert value(registry, "registry_provisioning_call_failures_total") == 1
    jobs = [value(registry, "registry_provisioning_jobs", status=status) for status in ("due", "asked", "stuck")]
    assert jobs == [0, 0, 2]
