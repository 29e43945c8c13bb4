"""The admin API against a model of its own: whatever admins do in whatever order, both say the same.

The model is written from the rules in words (one enabled local number a user; enable wants brand and campaign VERIFIED,
an owner and a licence; a campaign takes so many numbers), not from the life-cycle tables.
"""

import asyncio

import hypothesis
import hypothesis.strategies as st
from hypothesis import HealthCheck
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from redis.asyncio import Redis

from registry.commands import change
from registry.credentials import mint
from registry.database import Database
from tests.registry.admin import serving
from tests.registry.builders import a_brand, a_campaign, a_number, a_tenant, a_user
from tests.valkey import Valkey

LIMIT = 3
PLACES = st.integers(min_value=0, max_value=5)
PEOPLE = st.sampled_from(["ann", "ben", None])
GOOD = {"brand": "verified", "campaign": "active"}
WORDS = {"brand": {"suspended": "brand_suspended", "unverified": "brand_unverified"}}
WORDS["campaign"] = {"suspended": "campaign_suspended", "rejected": "campaign_rejected"}


class AdminApiMachine(RuleBasedStateMachine):
    """A company of two people, six numbers, one brand and one campaign."""

    #: Served once for all examples; each example has a company of its own.
    api = None
    runner = None
    database = None
    examples = 0

    @initialize()
    def begin(self):
        """Take in a new company."""
        cls = type(self)
        cls.examples += 1
        self.tag = f"{cls.examples:03}"
        self.tenant = f"t{self.tag}"
        key = mint(tenant=self.tenant, user=None, scopes=("admin",), label="")
        cls.api.texts["admin"] = key.text
        self.dids = [f"+1202{557 + cls.examples // 1000}{cls.examples % 1000:03}{n}" for n in range(6)]
        owners = ["ben", "ben", "ben", "ann", "ann", "ann"]
        self.model = {
            did: {"user": owner, "sms": "disabled", "link": ""} for did, owner in zip(self.dids, owners, strict=True)
        }
        self.page = dict.fromkeys(self.dids, False)
        self.states = dict(GOOD)
        self.licences = {"ann": "X2", "ben": "X2"}
        put = [
            a_tenant(self.tenant),
            *(a_user(f"{name}{self.tag}", tenant=self.tenant) for name in ("ann", "ben")),
            a_brand(f"B{self.tag}", tenant=self.tenant),
            a_campaign(f"C{self.tag}", brand_id=f"B{self.tag}"),
            *(
                a_number(
                    did,
                    tenant=self.tenant,
                    user=self._user(owners[place]),
                    sms="disabled",
                    sms_enabled_at=None,
                )
                for place, did in enumerate(self.dids)
            ),
            key.record,
        ]

        async def fill():
            async with cls.database.writing() as connection:
                await change(connection, actor="test", put=put)

        cls.runner.run(fill())

    def _user(self, name):
        return None if name is None else f"{name}{self.tag}"

    def _call(self, method, path, body=None):
        return type(self).runner.run(type(self).api.call(method, path, body))

    def _lacking(self):
        for kind in ("brand", "campaign"):
            if self.states[kind] in WORDS[kind]:
                return WORDS[kind][self.states[kind]]
        return None

    def _held(self, without):
        others = [one for did, one in self.model.items() if did != without]
        return sum(one["link"] in {"pending", "assigned", "removing"} for one in others)

    def _expect(self, answer, code):
        assert (answer.status, answer.body.get("code")) == ((200, None) if code is None else (409, code)), answer.body

    @rule(place=PLACES)
    def enable(self, place):
        """Switch a number on."""
        did = self.dids[place]
        one = self.model[did]
        code = None
        if one["user"] is None:
            code = "number_without_user"
        elif self.licences[one["user"]] == "X1":
            code = "licence_cannot_text"
        elif one["link"] == "removing":
            code = "assignment_removing"
        elif one["link"] == "failed" or (one["link"] == "" and self.page[did]):
            code = "assign_on_sms_page"
        elif self._lacking():
            code = self._lacking()
        elif one["link"] == "" and self._held(did) >= LIMIT:
            code = "number_limit_exceeded"
        self._expect(self._call("POST", f"/v1/numbers/{did}/enable"), code)
        if code is None:
            for other in self.model.values():
                if other["user"] == one["user"] and other["sms"] == "enabled" and other is not one:
                    other["sms"] = "superseded"
            one["sms"] = "enabled"
            one["link"] = one["link"] or "pending"
            self.page[did] = True

    @rule(place=PLACES)
    def assign(self, place):
        """Assign to campaign."""
        did = self.dids[place]
        one = self.model[did]
        code = None
        if one["link"] not in {"pending", "assigned"}:
            if self._lacking():
                code = self._lacking()
            elif self._held(did) >= LIMIT:
                code = "number_limit_exceeded"
        self._expect(self._call("POST", f"/v1/numbers/{did}/assign"), code)
        if code is None and one["link"] not in {"pending", "assigned"}:
            one["link"] = "pending"
            self.page[did] = True

    @rule(place=PLACES)
    def disable(self, place):
        """Switch a number off."""
        did = self.dids[place]
        self._expect(self._call("POST", f"/v1/numbers/{did}/disable"), None)
        if self.model[did]["sms"] != "disabled":
            self.model[did]["sms"] = "disabled"
            self.page[did] = True

    @rule(place=PLACES)
    def remove(self, place):
        """Take a number off the SMS page."""
        did = self.dids[place]
        self._expect(self._call("POST", f"/v1/numbers/{did}/remove"), None)
        one = self.model[did]
        one["sms"] = "disabled"
        one["link"] = one["link"] and "removing"
        self.page[did] = False

    @rule(place=PLACES, name=PEOPLE)
    def give(self, place, name):
        """Put a number into other hands."""
        did = self.dids[place]
        self._expect(self._call("PATCH", f"/v1/numbers/{did}", {"user": self._user(name)}), None)
        one = self.model[did]
        if one["user"] != name:
            one["user"], one["sms"] = name, "disabled"

    @rule(name=st.sampled_from(["ann", "ben"]), licence=st.sampled_from(["X1", "X2", "X4"]))
    def license(self, name, licence):
        """Give a person another licence."""
        self._expect(self._call("PATCH", f"/v1/users/{self._user(name)}", {"licence": licence}), None)
        if self.licences[name] != licence:
            self.licences[name] = licence
            for one in self.model.values():
                if one["user"] == name:
                    one["sms"] = "disabled"

    @rule(place=PLACES, verdict=st.sampled_from(["assigned", "failed"]))
    def hear_from_the_aggregator(self, place, verdict):
        """The number is in the campaign, or not."""
        did = self.dids[place]
        if self.model[did]["link"] == "pending":
            self._expect(self._call("PATCH", f"/v1/numbers/{did}", {"assignment": {"state": verdict}}), None)
            self.model[did]["link"] = verdict

    @rule(place=PLACES)
    def hear_that_it_is_out(self, place):
        """The number is in no campaign any more."""
        did = self.dids[place]
        if self.model[did]["link"] == "removing":
            self._expect(self._call("PATCH", f"/v1/numbers/{did}", {"assignment": None}), None)
            self.model[did]["link"] = ""

    @rule(kind=st.sampled_from(["brand", "campaign"]), bad=st.booleans())
    def hear_from_tcr(self, kind, bad):
        """A suspension, or its end."""
        status = "suspended" if bad else GOOD[kind]
        self._expect(self._call("PATCH", f"/v1/{kind}s/{kind[0].upper()}{self.tag}", {"status": status}), None)
        self.states[kind] = status

    @precondition(lambda self: hasattr(self, "model"))
    @invariant()
    def both_say_the_same(self):
        """Every number is as the model has it, and nobody has two that are enabled."""
        for did, one in self.model.items():
            shown = self._call("GET", f"/v1/numbers/{did}").body
            link = shown["assignment"]
            assert (shown["user"], shown["sms"], "" if link is None else link["state"]) == (
                self._user(one["user"]),
                one["sms"],
                one["link"],
            )
            assert shown["sms_page"] == self.page[did]
        for name in ("ann", "ben"):
            assert sum(one["user"] == name and one["sms"] == "enabled" for one in self.model.values()) <= 1


def test_the_admin_api_does_as_the_model(settings):
    """Some hundred calls in random order, shrunk to the shortest that differs."""
    its_settings = settings.model_copy(update={"numbers_per_campaign": LIMIT})
    with Valkey() as server, asyncio.Runner() as runner:

        async def close(*stacks):
            for stack in stacks:
                await stack.__aexit__(None, None, None)

        async def open_all():
            async with Redis.from_url(server.url, socket_timeout=None) as client:
                await client.flushall()
            database = Database.opened(its_settings)
            opened = await database.__aenter__()
            serves = serving(its_settings, server.url, {})
            return database, opened, serves, await serves.__aenter__()

        database, opened, serves, api = runner.run(open_all())
        AdminApiMachine.api, AdminApiMachine.runner, AdminApiMachine.database = api, runner, opened
        try:
            run_state_machine_as_test(
                AdminApiMachine,
                settings=hypothesis.settings(
                    max_examples=12,
                    stateful_step_count=25,
                    deadline=None,
                    derandomize=True,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(close(serves, database))
