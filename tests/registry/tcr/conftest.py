"""A TCR emulator on a real socket, and our client of it."""

import contextlib

import aiohttp
import pytest

from loadtests.tcr.app import running
from loadtests.tcr.settings import Pace, Settings
from registry.tcr.client import TcrAccount, TcrClient

#: Nothing happens by itself: a test says what.
STILL = Pace(brand_s=3600, vetting_s=3600, share_s=3600, dca_s=3600, carrier_s=3600)
UPSTREAM = "SAGGR01"


class Emulator:
    """A TCR emulator, and its control API."""

    def __init__(self, url, session):
        self.url = url
        self._session = session

    def account(self, **given):
        """Who we are there."""
        usual = {"key": "tcr-key", "secret": "tcr-secret", "upstream": UPSTREAM, "deadline_s": 20.0, "try_s": 5.0}
        return TcrAccount(url=f"{self.url}/v2", **usual | given)

    async def control(self, method, path, body=None):
        """Use the control API; gives the answer's JSON."""
        async with self._session.request(method, f"{self.url}/_control{path}", json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def faults(self, *rules):
        """Follow these rules from now on."""
        await self.control("PUT", "/faults", {"rules": list(rules)})

    async def happens(self, name, deed, **args):
        """Have something happen to a brand or campaign."""
        await self.control("POST", f"/{name}/{deed}", args)

    async def came(self, method="", path=""):
        """List the requests that came, of a method and below a path."""
        listed = await self.control("GET", "/requests")
        return [one for one in listed if one["method"].startswith(method) and one["path"].startswith(path)]

    async def overview(self):
        """Show what there is."""
        return await self.control("GET", "")


@contextlib.asynccontextmanager
async def emulating(**given):
    """Run an emulator within the test's own process."""
    settings = Settings(port=0, **{"pace": STILL, "hook_backoff_s": 0.02} | given)
    headers = {"Authorization": aiohttp.encode_basic_auth("tcr-key", "tcr-secret")}
    async with running(settings) as tcr, aiohttp.ClientSession(headers=headers) as session:
        yield Emulator(tcr.url, session)


@pytest.fixture
async def tcr():
    """An emulator in which nothing happens by itself."""
    async with emulating() as emulator:
        yield emulator


@pytest.fixture
async def client(tcr):
    """Our client of it."""
    async with TcrClient.connected(tcr.account()) as client:
        yield client
