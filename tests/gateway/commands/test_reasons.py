import orjson
from typer.testing import CliRunner

from compliance import Code
from compliance.catalogue import reasons_json
from gateway.__main__ import app

runner = CliRunner()


def test_json_is_the_catalogue():
    """One object a line, as the API has it."""
    result = runner.invoke(app, ["reasons", "--json"])

    assert result.exit_code == 0
    assert [orjson.loads(line) for line in result.stdout.splitlines()] == orjson.loads(orjson.dumps(reasons_json()))


def test_the_table_shows_every_code():
    """Whole, so that it can be searched."""
    result = runner.invoke(app, ["reasons"])

    assert result.exit_code == 0
    assert [code for code in Code if code not in result.stdout] == []
    assert "phone-system/sms" in result.stdout
