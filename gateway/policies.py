"""Finds the policy that an operator names: one of the shipped ones, or a TOML file."""

from pathlib import Path

from compliance.policy import SHIPPED, Policy, PolicyError, parse, shipped


def load_policy(name: str) -> Policy:
    """Return a shipped policy by name, else the one in the file of that path; PolicyError says what is wrong."""
    if name in SHIPPED:
        return shipped(name)
    try:
        text = Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"policy: {name!r} is none of {', '.join(SHIPPED)}, nor a file: {error}") from None
    return parse(text)
