import pytest

from compliance import PolicyError, shipped
from gateway.policies import load_policy


@pytest.mark.parametrize("name", ["current", "seed", "carrier_actual"])
def test_a_shipped_policy_goes_by_its_name(name):
    """No path needed."""
    assert load_policy(name) == shipped(name)


def test_any_other_word_is_a_file(tmp_path):
    """In the TOML of the shipped ones."""
    file = tmp_path / "own.toml"
    file.write_text('name = "own"\nversion = "7"\nmode = "monitor"\n')

    policy = load_policy(str(file))

    assert (policy.name, policy.version, policy.mode) == ("own", "7", "monitor")


def test_a_missing_file_is_reported_with_the_names(tmp_path):
    """Whoever misspells a name sees the right ones."""
    with pytest.raises(PolicyError, match="none of current, seed, carrier_actual, nor a file"):
        load_policy(str(tmp_path / "missing.toml"))


def test_a_binary_file_is_reported(tmp_path):
    """Never a traceback."""
    file = tmp_path / "own.toml"
    file.write_bytes(b"\xff\xfe")

    with pytest.raises(PolicyError, match="nor a file"):
        load_policy(str(file))
