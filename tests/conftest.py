"""What holds for every test."""

from collections.abc import Iterator

import pytest

from tests.hidden import nothing_hidden


@pytest.fixture(autouse=True)
def _nothing_hidden() -> Iterator[None]:
    """No exception of a task, a future or a callback goes unseen."""
    with nothing_hidden():
        yield
