"""What is made of the rounds."""

import pytest

from loadtests.bench.figures import Spread
from loadtests.bench.summary import summarize


def ratio_named(summary, title):
    """Return the one ratio of this title."""
    (found,) = (one for one in summary.ratios if one.title == title)
    return found


def test_ratios_are_taken_within_a_round(build):
    """The machine was twice as slow in the second round: the ratio does not see it, a ratio of medians would."""
    rounds = [
        build.round(echo=build.sample(10_000), single=build.sample(5_000)),
        build.round(echo=build.sample(5_000), single=build.sample(2_500)),
        build.round(echo=build.sample(9_000), single=build.sample(1_000)),
    ]

    reached = ratio_named(summarize(build.run(*rounds)), "rate: single accept / echo").reached

    assert reached == Spread(median=0.5, low=pytest.approx(1 / 9), high=0.5)


def test_a_ratio_with_a_side_that_was_not_measured_is_left_out(build):
    """With --only, most are."""
    assert summarize(build.run(build.round(echo=build.sample()))).ratios == []


def test_the_load_tool_is_no_part_of_what_a_text_costs(build):
    """Nobody runs it in production; and the registry's heartbeat costs the same when nobody sends."""
    echo = build.sample(cpu_us={"echo": 50.0, "load tool": 20.0})
    single = build.sample(cpu_us={"gateway": 80.0, "queue store": 20.0, "registry": 50.0, "load tool": 300.0})

    summary = summarize(build.run(build.round(echo=echo, single=single)))

    assert ratio_named(summary, "CPU a text: single accept / echo").reached.median == 2.0


def test_stages_add_up_to_the_gateway(build):
    """What is neither stack nor judge is our own rest, so that nothing is left unsaid."""
    echo = build.sample(cpu_us={"echo": 50.0})
    single = build.sample(
        cpu_us={"gateway": 200.0, "queue store": 10.0}, details={"decision_us": 30.0, "accept_us": 4e3}
    )

    summary = summarize(build.run(build.round(2.0, echo=echo, single=single)))

    stack, decision, rest, whole, store = [(stage.took.median, stage.units.median) for stage in summary.cpu_stages]
    assert (stack, decision, rest) == ((50.0, 25.0), (30.0, 15.0), (120.0, 60.0))
    assert (whole, store) == ((200.0, 100.0), (10.0, 5.0))
    assert [stage.took.median for stage in summary.waits] == [4e3]


def test_rates_come_in_the_order_of_the_measures(build):
    """Whatever order they were asked for."""
    summary = summarize(build.run(build.round(store_64=build.sample(), drain_1=build.sample(), echo=build.sample())))

    assert [rate.name for rate in summary.rates] == ["echo", "drain-1", "store-64"]
