"""a2p-registry preflight: the same answer as the API's, for whoever can reach the database."""

import asyncio

import orjson
import pytest
from typer.testing import CliRunner

from registry.__main__ import app
from registry.commands import change
from tests.registry.builders import BASICS, DID, OTHER_DID, a_number, a_user

MOBILE = "+13035550111"


@pytest.fixture
async def company(database):
    """Acme with Ben, who may text, and Ann, who may not yet."""
    off = a_number(OTHER_DID, user="ann", sms="disabled", sms_enabled_at=None)
    async with database.writing() as connection:
        await change(connection, actor="test", put=[*BASICS, a_user("ann"), off])


@pytest.fixture
def preflight(company, settings):
    """Run the command on that database."""

    def run(*args, tenant="acme", to=MOBILE):
        where = ["--database-url", settings.database_url] if settings.database_url else []
        command = ["preflight", "--tenant", tenant, "--to", to, "--data-dir", str(settings.data_dir), *where, *args]
        return CliRunner().invoke(app, command)

    return run


async def test_yes(preflight):
    """Exit status 0, and no steps."""
    result = await asyncio.to_thread(preflight, "--from", DID)

    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[0] == "flag  campaign_mno_not_approved"
    assert "1. " not in result.output


async def test_not_yet(preflight):
    """Exit status 1, and the steps for people; by person as well as by number."""
    result = await asyncio.to_thread(preflight, "--user", "ann")

    assert result.exit_code == 1
    assert result.output.splitlines()[2:] == [
        "1. admin: Switch texting on for the number. [phone-system/users]  (a few minutes)",
        "   Texting is switched off for the number; a new number gets its campaign by itself.",
        "2. nobody: The assignment takes up to 48 hours.  (up to 48 hours)",
        "   The number is being put into its campaign: do not switch it off and on.",
    ]


async def test_never(preflight):
    """A dead end is said in words."""
    result = await asyncio.to_thread(preflight, "--from", DID, to="911")

    assert result.exit_code == 1
    assert result.output.splitlines()[-1] == "No step leads there. Call the number instead of texting it."


async def test_as_json(preflight):
    """What the API answers, for programs."""
    result = await asyncio.to_thread(preflight, "--from", OTHER_DID, "--json")

    body = orjson.loads(result.stdout)
    assert (body["from"], body["can_send"], len(body["steps"])) == (OTHER_DID, False, 2)


@pytest.mark.parametrize(
    ("args", "tenant", "status"),
    [
        (["--from", "+12025550199"], "acme", 1),
        (["--user", "nobody"], "acme", 1),
        (["--from", DID], "nobody", 1),
        ([], "acme", 2),
        (["--from", DID, "--user", "ben"], "acme", 2),
    ],
)
async def test_what_cannot_be_asked(preflight, args, tenant, status):
    """One sentence, no traceback."""
    result = await asyncio.to_thread(preflight, *args, tenant=tenant)

    assert result.exit_code == status
    assert "Traceback" not in result.output
    assert isinstance(result.exception, SystemExit)
