"""Children: killed, frozen, started again, and never left behind."""

import os
import signal
import subprocess
import sys
import time

import pytest

from loadtests.children import ChildError, Process, ground

#: Says so when it is there, and then once more for every line that it is sent.
ECHO = [sys.executable, "-u", "-c", "import time\nprint('up')\nwhile True: time.sleep(0.01); print('beat')"]


@pytest.fixture
def process(tmp_path):
    """A child that is not started yet; gone at the end."""
    child = Process("echo", ECHO, {}, tmp_path / "log")
    yield child
    child.end()


def lines(tmp_path):
    """How much it has said."""
    return len((tmp_path / "log").read_text().splitlines())


def grows(tmp_path):
    """Whether it goes on saying something."""
    before, deadline = lines(tmp_path), time.monotonic() + 30
    while time.monotonic() < deadline:
        if lines(tmp_path) > before:
            return True
        time.sleep(0.01)
    return False


def test_one_can_be_killed_and_started_again(process, tmp_path):
    """Its log goes on."""
    process.start()
    process.wait_ready(lambda: lines(tmp_path) > 0)
    first = process.pid
    process.kill()

    assert process.status == -signal.SIGKILL
    process.start()
    assert process.status is None
    assert process.pid != first
    assert grows(tmp_path)
    assert (tmp_path / "log").read_text().count("up") >= 1


def test_one_that_is_frozen_does_nothing_and_goes_on_when_thawed(process, tmp_path):
    """And lives meanwhile."""
    process.start()
    process.wait_ready(lambda: lines(tmp_path) > 0)
    process.freeze()
    deadline = time.monotonic() + 30
    while _state(process.pid) != "T":
        assert time.monotonic() < deadline
        time.sleep(0.01)

    assert process.status is None
    process.thaw()
    assert grows(tmp_path)


def test_one_that_is_frozen_can_be_ended(process, tmp_path):
    """Or a run that broke off would leave it behind."""
    process.start()
    process.wait_ready(lambda: lines(tmp_path) > 0)
    process.freeze()

    process.end()

    assert process.status == -signal.SIGTERM


def test_one_that_was_never_started_has_no_id_and_is_ended_without_fuss(process):
    """Nothing is sent to anybody."""
    process.freeze()
    process.kill()
    process.end()

    assert process.status is None
    with pytest.raises(ChildError, match="echo was not started"):
        process.wait()
    with pytest.raises(ChildError, match="echo was not started"):
        _ = process.pid


def test_one_that_does_not_end_is_named(process):
    """With what it said last."""
    process.start()

    with pytest.raises(ChildError, match="echo did not end within"):
        process.wait(0.05)


class TestGround:
    def test_one_born_while_we_are_stopped_is_ended_too(self, tmp_path, monkeypatch):
        """The signal waits until the child has an owner."""
        born = []

        class Stopped(subprocess.Popen):
            def __init__(self, *args, **options):
                super().__init__(*args, **options)
                born.append(self)
                signal.raise_signal(signal.SIGINT)

        monkeypatch.setattr(subprocess, "Popen", Stopped)
        sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
        with ground(dict(os.environ), tmp_path) as place, pytest.raises(KeyboardInterrupt):
            place.running("child", sleeper, lambda: True).__enter__()

        assert [child.poll() is not None for child in born] == [True]

    def test_a_child_that_does_not_come_up_is_quoted(self, tmp_path):
        """Its log goes away with the folder."""
        command = [sys.executable, "-c", "import sys; sys.exit('no such setting')"]
        with (
            ground(dict(os.environ), tmp_path) as place,
            pytest.raises(ChildError, match="gateway ended while starting: no such setting"),
            place.running("gateway", command, lambda: False),
        ):
            pass

        assert list(tmp_path.iterdir()) == []

    def test_a_tool_that_fails_is_quoted(self, tmp_path):
        """With what it said last."""
        command = [sys.executable, "-c", "import sys; sys.exit('server closed')"]
        with ground(dict(os.environ), tmp_path) as place, pytest.raises(ChildError, match="load failed: server closed"):
            place.run("load", command)

    def test_settings_of_another_instance_do_not_reach_them(self, tmp_path):
        """A shell in which the product is set up is no reason for a run on its data."""
        with ground({"A2P_QUEUE_URL": "redis://elsewhere", "HOME": "/root"}, tmp_path) as place:
            assert place.environment == {"HOME": "/root"}


def _state(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:  # noqa: PTH123 - a file of the kernel's
        return stat.read().rpartition(")")[2].split()[0]
