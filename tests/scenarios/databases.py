"""Which database a scenario's registry has.

Not here: the databases themselves (conftest.py).
"""

import pytest

#: For a scenario that runs on both; every other one runs on SQLite, or on what A2P_TEST_DATABASE names.
on_both = pytest.mark.parametrize("dialect", ["sqlite", "postgresql"], indirect=True)
