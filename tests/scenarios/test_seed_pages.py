"""Both seed pages, acted out over the APIs of a running instance: register, wait for VERIFIED, enable, assign, text.

TCR, the aggregator and the carrier are emulators that speak their wire formats; everything between is the product.
"""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from urllib.parse import quote

import orjson
import pytest

from tests.scenarios.databases import on_both

pytestmark = [pytest.mark.xdist_group("up"), pytest.mark.timeout(600)]

TENANT = "lakeside"
PIA, QUIN = "lakeside-pia", "lakeside-quin"
#: Pia's number in a campaign whose brand is not confirmed; Quin's, which texted before there were campaigns.
OLD, LEGACY, NEW = "+16125550130", "+16125550131", "+16125550139"
FRIEND = "+16122150188"
WAIT_S = 90

BRAND = {
    "entity_type": "PRIVATE_PROFIT",
    "legal_name": "Lakeside Books Inc",
    "display_name": "Lakeside Books",
    "ein": "41-2345678",
    "ein_country": "US",
    "phone": "+16125550100",
    "street": "12 Shore Road",
    "city": "Minneapolis",
    "state": "MN",
    "postal_code": "55401",
    "country": "US",
    "email": "office@lakeside-books.example",
    "website": "https://lakeside-books.example",
    "vertical": "RETAIL",
}
CAMPAIGN = {
    "use_case": "LOW_VOLUME",
    "sub_use_cases": ["CUSTOMER_CARE", "DELIVERY_NOTIFICATION"],
    "description": "Staff of Lakeside Books answer customers' questions and tell them when ordered books have come in.",
    "message_flow": "Customers give their number at the counter or on https://lakeside-books.example/texts and tick a"
    " box that they agree to texts from Lakeside Books about their orders.",
    "samples": [
        "Lakeside Books: the book you ordered has come in. We keep it for two weeks. Reply STOP to opt out.",
        "Lakeside Books: yes, we are open on Saturday from 9 to 5. Reply STOP to opt out.",
    ],
    "opt_in_keywords": ["START"],
    "opt_in_message": "Lakeside Books: you will get texts about your orders. Reply HELP for help, STOP to opt out.",
    "opt_out_keywords": ["STOP"],
    "opt_out_message": "Lakeside Books: you will get no more texts. Reply START to get them again.",
    "help_keywords": ["HELP"],
    "help_message": "Lakeside Books: call 612-555-0100 or see https://lakeside-books.example. Reply STOP to opt out.",
    "privacy_policy_link": "https://lakeside-books.example/privacy",
    "terms_link": "https://lakeside-books.example/terms",
    "terms_accepted": True,
    "embedded_link": False,
    "embedded_phone": False,
    "age_gated": False,
    "direct_lending": False,
    "affiliate_marketing": False,
}


class Console:
    """What people do, over HTTP."""

    def __init__(self, demo):
        self._demo = demo

    def ask(self, method, path, body=None, *, key=None, base="registry", **headers):
        """Call; gives status and body."""
        key = key or self._demo["admin_keys"][TENANT]
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"} | headers
        request = urllib.request.Request(  # noqa: S310 - our own address
            self._demo["urls"][base] + path,
            method=method,
            data=None if body is None else orjson.dumps(body),
            headers=headers,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the same
                return answer.status, orjson.loads(answer.read())
        except urllib.error.HTTPError as refused:
            return refused.code, orjson.loads(refused.read())

    def done(self, method, path, body=None, **options):
        """Call, and it is done."""
        status, answer = self.ask(method, path, body, **options)
        assert status in {200, 201, 202}, answer
        return answer

    def text(self, user, to, text, **more):
        """Send as a person."""
        body = {"to": to, "text": text} | more
        return self.ask("POST", "/v1/messages", body, key=self._demo["user_keys"][user], base="gateway")

    def number(self, did):
        """A number as the SMS page has it."""
        return self.done("GET", f"/v1/numbers/{quote(did)}")


def until(look, what):
    """Wait until a look is as wanted; what it saw then."""
    deadline = time.monotonic() + WAIT_S
    while not (seen := look()):
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.25)
    return seen


def register(console, kind, fields, **more):
    """Fill a form in and submit it; gives what came of it, once TCR has an id for it."""
    begun = console.done("POST", "/v1/applications", {"kind": kind, "fields": fields} | more)
    checked = console.done("POST", f"/v1/applications/{begun['id']}/check")
    assert checked["faults"] == []
    console.done("POST", f"/v1/applications/{begun['id']}/submit")
    return until(lambda: console.done("GET", f"/v1/applications/{begun['id']}")["object_id"], f"an id for the {kind}")


def operator_key(up):
    """A key of the provider's, made on its machine."""
    environment = os.environ | {"A2P_REGISTRY_DATA_DIR": str(up.data_dir)} | up.registry

    def run(*arguments):
        command = [sys.executable, "-m", "registry", *arguments]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    said = run("key", "create", "--tenant", "phoneco", "--scope", "operator")
    return next(word for word in said.split() if word.startswith("a2p_"))


def is_verified(console, campaign):
    """Whether the campaign is through every review."""
    found = console.done("GET", f"/v1/campaigns/{campaign}")
    return (found["status"], found["sharing"], found["dca_complete"]) == ("active", "accepted", True)


def is_assigned(console, did, campaign):
    """Whether the column reads Assigned (<Campaign ID>)."""
    link = console.number(did)["assignment"]
    return link is not None and (link["state"], link["campaign_id"]) == ("assigned", campaign)


def arrives(console, user, did):
    """Text a friend, and see it delivered."""

    def sent():
        status, answer = console.text(user, FRIEND, "Your book has come in.", **{"from": did})
        return answer if status == 202 else None

    message = until(sent, "an accepted text")
    key = console._demo["user_keys"][user]
    until(
        lambda: console.done("GET", f"/v1/messages/{message['id']}", key=key, base="gateway")["status"] == "delivered",
        "delivery",
    )


@on_both
def test_from_nothing_registered_to_a_text_that_arrives(start):
    """In the order of the pages; each step is refused before its time."""
    up = start("seeds")
    console = Console(up.ready())

    # Before anything is registered a text is blocked, and the first step is named.
    status, refused = console.text(QUIN, FRIEND, "Your book has come in.")
    assert (status, refused["code"]) == (403, "did_unassigned")
    assert refused["remediation"]

    # Brand, then campaign; the campaign form opens when the brand is Verified.
    brand = register(console, "brand", BRAND)
    until(lambda: console.done("GET", f"/v1/brands/{brand}")["status"] == "verified", "a verified brand")
    assert console.done("GET", "/v1/fees")["items"] == []
    campaign = register(console, "campaign", CAMPAIGN, brand_id=brand)
    (fee,) = console.done("GET", "/v1/fees")["items"]
    assert (fee["cents"], fee["currency"]) == (8900, "USD")

    until(lambda: is_verified(console, campaign), "a verified campaign")

    # The SMS page: a number that texted before is put into the campaign.
    console.done("POST", f"/v1/numbers/{quote(LEGACY)}/assign", {"campaign_id": campaign})
    until(lambda: is_assigned(console, LEGACY, campaign), "an assigned number")
    arrives(console, QUIN, LEGACY)

    # The Users page: a new number gets the campaign by itself, and the person's other number goes off.
    key = operator_key(up)
    given = {"did": NEW, "user": PIA}
    until(
        lambda: console.ask("POST", "/v1/numbers", given, key=key, **{"A2P-Tenant": TENANT})[0] in {201, 202, 409},
        "a new number",
    )
    console.done("POST", f"/v1/numbers/{quote(NEW)}/enable", {"campaign_id": campaign})
    assert console.number(OLD)["sms"] == "superseded"
    until(lambda: is_assigned(console, NEW, campaign), "an assigned new number")
    arrives(console, PIA, NEW)
    status, refused = console.text(PIA, FRIEND, "Hello.", **{"from": OLD})
    assert (status, refused["code"]) == (403, "did_superseded")

    # Deactivation is for good: nobody of the campaign texts any more.
    assert console.ask("POST", f"/v1/campaigns/{campaign}/deactivate", {"confirm": "yes"})[0] == 422
    console.done("POST", f"/v1/campaigns/{campaign}/deactivate", {"confirm": campaign})
    assert console.text(QUIN, FRIEND, "Hello.")[0] == 403
    assert up.process.poll() is None
