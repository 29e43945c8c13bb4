"""The run as files and tables."""

import re
from html.parser import HTMLParser

import orjson
import pytest

from loadtests.bench.figures import Spread
from loadtests.bench.files import write_files
from loadtests.bench.plots import Bar, bar_chart
from loadtests.bench.results import Inside
from loadtests.bench.summary import CAVEAT, summarize
from loadtests.bench.terminal import print_run


@pytest.fixture
def run(build):
    """A run of two rounds with everything that a page shows."""
    details = {"decision_us": 20.0, "accept_us": 4_000.0, "flush_us": 900.0}
    single = {"gateway": 150.0, "queue store": 10.0, "load tool": 12.0}
    rounds = [
        build.round(
            echo=build.sample(10_000 * factor, cpu_us={"echo": 70.0, "load tool": 11.0}),
            single=build.sample(4_000 * factor, cpu_us=single, details=details),
            drain_50=build.sample(2_000 * factor, cpu_us={"worker": 100.0}),
        )
        for factor in (1, 2)
    ]
    return build.run(
        *rounds,
        warnings=("Somebody <else> was here.",),
        inside=[Inside(name="compliance", title="The judge", table="decide 12.5 µs", data={"us": 12.5})],
    )


class Page(HTMLParser):
    """Checks that elements are closed in order, and collects addresses."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.addresses = []

    def handle_starttag(self, tag, attrs):
        """Remember what is open, and where it points to."""
        if tag != "meta":
            self.open.append(tag)
        self.addresses += [value for name, value in attrs if name in {"src", "href"}]

    def handle_startendtag(self, tag, attrs):
        """Open and closed at once."""

    def handle_endtag(self, tag):
        """Close what was opened last."""
        assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_nothing_else(run, tmp_path):
    """It can be sent by mail: no script, no style sheet, no picture from elsewhere."""
    write_files(run, summarize(run), tmp_path)
    text = (tmp_path / "bench.html").read_text()
    page = Page()
    page.feed(text)

    assert (page.open, page.addresses) == ([], [])
    assert "<script" not in text
    assert "url(" not in text
    assert text.count("<svg") > 5


def test_the_page_says_how_far_its_figures_travel(run, tmp_path):
    """An absolute figure without its machine is a rumour; a warning may not be lost, nor be taken for markup."""
    write_files(run, summarize(run), tmp_path)
    text = (tmp_path / "bench.html").read_text()

    assert CAVEAT in text
    assert "Somebody &lt;else&gt; was here." in text
    assert "decide 12.5 µs" in text
    assert "≥ 0.6" in text


def test_the_file_holds_every_round(run, tmp_path):
    """Whoever doubts a median can look."""
    write_files(run, summarize(run), tmp_path / "new")
    data = orjson.loads((tmp_path / "new" / "bench.json").read_bytes())

    assert data["format"] == "a2p-bench/1"
    assert [one["samples"]["echo"]["per_second"] for one in data["rounds"]] == [10_000.0, 20_000.0]
    assert data["summary"]["ratios"][0]["reached"] == {"median": 0.4, "low": 0.4, "high": 0.4}
    assert data["inside"] == {"compliance": {"us": 12.5}}


def test_the_terminal_shows_figures_goals_and_warnings(run, capsys):
    """Most people never open the page."""
    print_run(run, summarize(run))
    shown = re.sub(r"\s+", " ", capsys.readouterr().out)

    for wanted in (
        "15,000 (10,000 to 20,000)",
        "≥ 0.6",
        CAVEAT,
        "Warning: Somebody <else> was here.",
        "decide 12.5 µs",
    ):
        assert wanted in shown


def test_a_bar_ends_at_the_median_and_its_whisker_at_the_ends():
    """All on one scale from zero, so that lengths can be compared."""
    drawn = bar_chart(
        "rate",
        "messages a second",
        [
            Bar(title="a", value=Spread(median=50.0, low=25.0, high=100.0)),
            Bar(title="b & c", value=Spread(median=100.0, low=100.0, high=100.0), goal=50.0),
        ],
    )
    widths = [float(width) for width in re.findall(r'class="bar"[^>]* width="([0-9.]+)"', drawn)]
    whisker, none = re.findall(r'class="whisker" d="([^"]*)"', drawn)

    assert widths[0] * 2 == widths[1]
    assert (whisker != "", none) == (True, "")
    assert "b &amp; c" in drawn
    assert drawn.count('class="goal"') == 1


def test_nothing_is_drawn_of_nothing():
    """A measure without latency has no chart of it."""
    assert bar_chart("latency", "ms", []) == ""
