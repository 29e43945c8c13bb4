"""Somebody says STOP, comes back by signing a form, says STOP again: a real gateway, a real registry, its console."""

from types import SimpleNamespace

import aiohttp
import pytest

from gateway.app import running
from gateway.settings import Settings as GatewaySettings
from tests.gateway.inbound.carrying import SECRET, bring
from tests.registry.builders import DID, eventually
from tests.registry.console.visitors import a_console

PAGE = "/console/messages/opt-outs"
PERSON = "+16465550151"
EVIDENCE = "Signed our form at the counter; folder 12."


class Acme:
    """Acme, whose Ben texts, whose Ada is an admin, and a person who texts back."""

    def __init__(self, console, http, ada):
        self.console, self.http, self.ada = console, http, ada
        self._carrier = SimpleNamespace(http=http)

    async def text(self):
        """Ben texts the person: "" where it goes, else why not."""
        headers = {"Authorization": f"Bearer {self.console.api.texts['person']}"}
        body = {"to": PERSON, "text": "See you at ten"}
        async with self.http.post("/v1/messages", json=body, headers=headers) as answer:
            said = await answer.json()
            assert answer.status in {202, 403}, said
            return "" if answer.status == 202 else said["code"]

    async def is_known(self):
        """Whether the gateway knows Ben and his number by now."""
        headers = {"Authorization": f"Bearer {self.console.api.texts['person']}"}
        body = {"to": PERSON, "text": "See you at ten"}
        async with self.http.post("/v1/decisions", json=body, headers=headers) as answer:
            return answer.status == 200 and (await answer.json())["verdict"] != "block"

    async def hears(self, text):
        """The person writes to Ben's number; a gateway that is not ready for it yet is asked again, as carriers do."""

        async def is_taken():
            answer = await bring(self._carrier, sender=PERSON, to=DID, text=text)
            assert answer.status in {200, 503}
            return answer.status == 200

        await eventually(is_taken)

    async def look(self):
        """The person's page."""
        return (await self.ada.go(f"{PAGE}?number={PERSON.replace('+', '%2B')}")).words

    async def says(self, form, **fields):
        """Ada sends a form about the person."""
        return await self.ada.send(f"{PAGE}/{form}", {"recipient": PERSON} | fields)


@pytest.fixture
async def acme(settings, store, valkey_server):
    """Everything, on ports of its own."""
    del store  # Empty, with the registry's functions.
    gateway_settings = GatewaySettings(
        queue_url=valkey_server.url,
        registry_url=valkey_server.url,
        port=0,
        admin_port=0,
        carrier_receipt_secrets=[SECRET],
    )
    async with running(gateway_settings) as gateway:
        url = f"http://127.0.0.1:{gateway.port}"
        more = {"queue_url": valkey_server.url, "gateway_url": url}
        async with (
            a_console(settings, valkey_server.url, **more) as console,
            aiohttp.ClientSession(url) as http,
        ):
            acme = Acme(console, http, await console.visitor("admin"))
            await eventually(acme.is_known)
            yield acme


async def test_stop_and_back_and_stop(acme):
    """Texts stop, go again with evidence, and stop again; every step is on the person's page."""
    assert await acme.text() == ""
    await acme.hears("STOP")
    assert await acme.text() == "recipient_opted_out"
    assert "They want texts again" in await acme.look()

    await acme.says("restore", evidence=EVIDENCE, vouched="yes")

    async def is_back():
        return "Has not opted out." in await acme.look()

    await eventually(is_back)
    assert await acme.text() == ""
    seen = await acme.look()
    assert f"vouched for by Ada (user:ada): {EVIDENCE}" in seen

    async def is_settled():
        return "Taken back" in (await acme.look()).partition("What became of it")[2]

    await eventually(is_settled)
    await acme.hears("Stop")
    assert await acme.text() == "recipient_opted_out"
    assert "Opted out" in await acme.look()
    # The same evidence is of before: what they said since stands until they do something else.
    assert "1" in (await acme.ada.go(PAGE)).words.partition("Opted out")[2].split()[0]


async def test_a_suspicion_is_settled_both_ways(acme):
    """It was none, with evidence; the next one was: then nobody can text them."""
    await acme.hears("Please stop texting me")
    assert "Please stop texting me" in (await acme.ada.go(f"{PAGE}?state=suspected")).words
    assert await acme.text() == ""
    await acme.says("restore", evidence="Called: it was about another company.", vouched="yes")

    async def is_dismissed():
        return "What they wrote before was no opt-out" in await acme.look()

    await eventually(is_dismissed)
    await acme.hears("Please do not text me any more")
    assert "Wrote something" in await acme.look()
    await acme.says("confirm")

    async def is_out():
        return "Nobody in your company can text this number" in await acme.look()

    await eventually(is_out)
    assert await acme.text() == "recipient_opted_out"
