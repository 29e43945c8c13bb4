"""Instances for scenarios."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.instance import Up, free_base, wait_until_gone


@pytest.fixture
def start(tmp_path: Path) -> Iterator[object]:
    """Start instances that are gone at the end, whatever happens."""
    started: list[Up] = []

    def begin(name: str, port_base: int | None = None, *options: str) -> Up:
        started.append(Up(tmp_path / name, port_base or free_base(), *options))
        return started[-1]

    yield begin
    for up in started:
        if up.process.poll() is None:
            up.process.kill()
        up.process.wait()
        up.process.stdout.close()
        wait_until_gone(up.data_dir)
