import subprocess
import sys

import pytest
from typer.testing import CliRunner

from gateway.__main__ import COMMANDS, app

runner = CliRunner()


def test_help_names_every_command():
    """Good enough to learn from."""
    result = runner.invoke(app, ["--help"])

    assert result.exit_code == 0
    assert all(name in result.output for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name):
    """Which also proves that its module can be imported and its options be built."""
    result = runner.invoke(app, [name, "--help"])

    assert result.exit_code == 0
    assert name in result.output


def test_an_unknown_command_is_refused():
    """With exit status 2."""
    assert runner.invoke(app, ["jugde"]).exit_code == 2


def test_only_the_called_command_is_imported():
    """A catalogue needs neither server nor store."""
    check = (
        "import sys; from typer.testing import CliRunner; from gateway.__main__ import app; "
        "assert CliRunner().invoke(app, ['reasons', '--json']).exit_code == 0; "
        "assert not {'aiohttp', 'redis', 'gateway.commands.judge'} & sys.modules.keys()"
    )

    subprocess.run([sys.executable, "-c", check], check=True, timeout=60)
