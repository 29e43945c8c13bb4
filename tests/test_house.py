"""What the README says is held against the code."""

import re
from pathlib import Path

import pytest

from gateway.__main__ import COMMANDS
from gateway.app import ROUTES
from gateway.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def between(mark: str) -> str:
    """Return the part of the README between two marks."""
    return README.split(f"<!-- {mark} -->")[1].split(f"<!-- /{mark} -->")[0]


def test_every_setting_is_explained_with_its_default():
    """An operator finds in the README what can be set, and nothing that cannot."""
    rows = dict(re.findall(r"^\| `A2P_([A-Z_]+)` \| `([^`]*)` \|", between("settings"), re.MULTILINE))

    wanted = {}
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = default.get_secret_value() if hasattr(default, "get_secret_value") else default
        wanted[name.upper()] = "[]" if shown == () else str(shown)
    assert wanted == rows


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_shown(command):
    """A stranger learns of each command from the README."""
    assert f"a2p-gateway {command}" in README


@pytest.mark.parametrize("route", sorted(set(ROUTES) - {"none"}))
def test_every_route_is_listed(route):
    """The table of calls leaves none out; sub-resources of a message stand behind it."""
    shown = route.replace("/v1/messages/{id}/", "…/")
    assert shown in README


@pytest.mark.parametrize("mark", ["run", "day", "send", "bench"])
def test_examples_are_filled_in(mark):
    """The examples were really run: no empty block is left."""
    assert len(between(mark).strip().splitlines()) > 4


def test_the_changelog_keeps_its_form():
    """Keep a Changelog: the newest changes stand under Unreleased, by kind."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in changelog
    assert "### Added" in changelog
