"""What a process writes: what is listed as it is, nothing else, and of what others say no word."""

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from metrics.logs import count, own_id, position, sentence, word

ROOT = Path(__file__).parent.parent.parent
#: Stands for anything that a customer sends.
MARK = "Zebra+12025550143"

SETUP = f"""
import asyncio, logging, sys, threading, warnings
import structlog
from metrics.logs import count, log_as_json, word
MARK = {MARK!r}
log = structlog.get_logger()
log_as_json("debug", events={{"text_kept"}}, fields={{"messages": count, "reason": word}})
"""


def said(source):
    """Run some lines as a process would; all that it writes, and the entries among it."""
    done = subprocess.run([sys.executable, "-c", SETUP + source], cwd=ROOT, capture_output=True, text=True, check=False)
    lines = done.stderr.splitlines()
    return done.stdout + done.stderr, [orjson.loads(line) for line in lines if line.startswith("{")]


class TestLists:
    def test_what_is_listed_is_written(self):
        """With its level and its time."""
        _, (entry,) = said("log.warning('text_kept', messages=3, reason='queue_full')")

        assert entry.pop("timestamp").endswith("Z")
        assert entry == {"event": "text_kept", "level": "warning", "messages": 3, "reason": "queue_full"}

    def test_an_event_that_is_not_listed_is_counted_and_says_nothing(self):
        """Neither its name nor its fields, which may be anything."""
        everything, entries = said("log.info(MARK, reason='ok')\nlog.info('other', messages=1)")

        assert [(each["event"], each["unlisted"]) for each in entries] == [("unlisted_event", 1), ("unlisted_event", 2)]
        assert MARK not in everything
        assert all(set(each) == {"event", "level", "timestamp", "unlisted"} for each in entries)

    @pytest.mark.parametrize(
        "fields", ["text=MARK", "reason=MARK", "messages=MARK", "messages=12025550143", "reason=[MARK]", "level2=1"]
    )
    def test_a_field_that_does_not_fit_is_left_out_and_counted(self, fields):
        """By its name, or by what it holds."""
        everything, (entry,) = said(f"log.info('text_kept', {fields})")

        assert set(entry) == {"event", "level", "timestamp", "fields_left_out"}
        assert entry["fields_left_out"] == 1
        assert "12025550143" not in everything

    def test_a_place_that_somebody_names_is_no_place(self):
        """Only what was found in a traceback is shown as one."""
        everything, (entry,) = said("log.info('text_kept', raised_at=MARK, exception=MARK, stack=MARK)")

        assert MARK not in everything
        assert "raised_at" not in entry


@pytest.mark.parametrize(
    ("check", "fits", "does_not"),
    [
        (word, ["queue_full", "TimeoutError", "carrier:p2p", None], ["two words", "+1202", "12345", "", "a" * 81, 5]),
        (count, [0, -1, 2.5, True], [12025550143, "1", None, [1]]),
        (position, [1795342578531], ["1", 1.5, True]),
        (
            sentence,
            ["appendonly is 'no': it must be yes", None, ""[:0] or "unix:/run/a.sock: ConnectionError"],
            ["call 2025550143", "a2p_x_y", "whsec_x", 'he said "Hi"', "é", "a" * 401, 5],
        ),
        (
            own_id,
            ["0-1795342578531-0-0", "g-0-1795342578531-0", "in-emulator-" + "0f" * 16],
            ["+12025550143", "12025550143", "m-1", "in-emulator-12025550143", 5],
        ),
    ],
)
def test_checks_know_what_fits(check, fits, does_not):
    """What looks like somebody's number, text or key does not."""
    assert [value for value in fits if not check(value)] == []
    assert [value for value in does_not if check(value)] == []


class TestOthers:
    @pytest.mark.parametrize(
        ("source", "library", "error"),
        [
            ("import aiohttp; logging.getLogger('aiohttp.server').error(MARK)", "aiohttp", None),
            ("import redis; logging.getLogger('redis').debug('%s', MARK)", "redis", None),
            ("logging.getLogger('Zebra').error('hello')", "other", None),
            ("logging.error(MARK)", "other", None),
            ("warnings.warn(MARK)", "other", None),
            (
                "try:\n    int(MARK)\nexcept ValueError:\n    logging.getLogger('asyncio').exception(MARK)",
                "asyncio",
                "ValueError",
            ),
        ],
        ids=["error", "debug", "unknown", "root", "warning", "exception"],
    )
    def test_a_library_is_heard_and_not_quoted(self, source, library, error):
        """Who, how bad, and which type of exception."""
        everything, (entry,) = said(source)

        assert MARK not in everything
        assert (entry["event"], entry["library"], entry["error"]) == ("library_logged", library, error)

    def test_a_task_that_crashes_unseen_is_not_quoted(self):
        """Asyncio tells of it when it is collected, with the exception and the task's repr."""
        source = """
async def crash(text):
    raise ValueError(text)

async def main():
    task = asyncio.create_task(crash(MARK), name=MARK)
    await asyncio.sleep(0.01)

asyncio.run(main(), debug=True)
"""
        everything, entries = said(source)

        assert MARK not in everything
        assert "ValueError" in [entry.get("error") for entry in entries]

    @pytest.mark.parametrize(
        "source",
        [
            "raise ValueError(MARK)",
            "thread = threading.Thread(target=lambda: int(MARK), name=MARK)\nthread.start()\nthread.join()",
            "class Loud:\n    def __del__(self):\n        raise ValueError(MARK)\nLoud()",
            "raise ExceptionGroup(MARK, [ValueError(MARK)])",
        ],
        ids=["main", "thread", "finaliser", "group"],
    )
    def test_a_crash_is_named_and_not_quoted(self, source):
        """The interpreter would print its words."""
        everything, (entry,) = said(source)

        assert MARK not in everything
        assert entry["event"] == "process_crashed"
        assert entry["error"] in {"ValueError", "ExceptionGroup"}

    def test_a_handler_that_a_library_brings_is_taken_away(self):
        """It would print what goes by."""
        source = """
loud = logging.getLogger("loud")
loud.addHandler(logging.StreamHandler())
loud.propagate = False
log_as_json("debug", events=set(), fields={})
loud.error(MARK)
"""
        everything, entries = said(source)

        assert MARK not in everything
        assert [entry["library"] for entry in entries] == ["other"]

    def test_the_level_holds_for_all(self):
        """Libraries too."""
        source = "log_as_json('error', events={'text_kept'}, fields={})\n"
        source += "log.warning('text_kept')\nlogging.getLogger('redis').warning('x')\nlog.error('text_kept')"

        assert [entry["level"] for entry in said(source)[1]] == ["error"]


def test_an_exception_is_shown_by_where_in_our_code_it_passed():
    """File and line of our frames; those of libraries and what they hold are left out."""
    source = """
from metrics.labels import Children
try:
    Children(MARK, ["x"]).of("x").nothing
    Children(None, 5).of(MARK)
except Exception as failure:
    log.error("text_kept", exc_info=failure)
"""
    everything, (entry,) = said(source)

    assert MARK not in everything
    assert entry["error"] in {"AttributeError", "TypeError"}
    assert entry["raised_at"]
    assert all(place.startswith("metrics/labels.py:") for place in entry["raised_at"])
