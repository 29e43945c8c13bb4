"""The admin API: what is shown, what a change does, and that a caller who hangs up undoes nothing."""

import asyncio
from datetime import timedelta

import orjson
import pytest
import sqlalchemy as sa

from compliance import documents
from registry.admin_routes import AdminApi
from registry.barrier import How, Outcome
from registry.commands import change
from registry.performing import Performing, Rules
from registry.tables import audit
from registry.work_tables import provisioning_jobs
from tests.registry.admin import BODIES, PATHS, serving, two_companies
from tests.registry.builders import AT, DID, OTHER_DID, a_brand, eventually, trail
from tests.registry.dialects import only_sqlite

NUMBER, CAMPAIGN, BRAND, KEY = (own for own, _ in PATHS.values())


@pytest.fixture
async def api(settings, database, redis, valkey_server):
    """A served registry with acme and solo."""
    texts = await two_companies(database)
    async with serving(settings, valkey_server.url, texts) as api:
        yield api


async def last_audit(database):
    """Who changed what last: actor, kind, before and after."""
    async with database.reading() as connection:
        row = (await connection.execute(sa.select(audit).order_by(audit.c.id.desc()).limit(1))).one()
    return row.actor, row.kind, row.before and orjson.loads(row.before), row.after and orjson.loads(row.after)


class TestWhoMay:
    @pytest.mark.parametrize("kind", PATHS)
    async def test_the_admin_of_a_company_sees_and_changes_what_is_its_own(self, api, kind):
        """And finds it changed."""
        before = await api.get(PATHS[kind][0])
        changed = await api.patch(PATHS[kind][0], BODIES[kind])
        after = await api.get(PATHS[kind][0])

        told = changed.body.pop("change")
        assert (before.status, changed.status, after.status) == (200, 200, 200)
        own = changed.body.keys()  # What else is shown where an object is looked at is no part of it.
        assert changed.body == {name: after.body[name] for name in own} != {name: before.body[name] for name in own}
        assert told["effective"]

    async def test_a_number_tells_how_far_it_is(self, api, database):
        """For how long, how long it may take, and what helps; what it says is no part of the number's version."""
        await api.patch(NUMBER, {"assignment": {"state": "pending", "campaign_id": "CACME"}})
        job = {"did": DID, "action": "add", "campaign_id": "CACME", "state": "asked", "attempts": 1}
        async with database.writing() as connection:
            job |= {"wished_at": AT, "next_at": AT + timedelta(days=9999)}
            await connection.execute(sa.insert(provisioning_jobs).values(**job))
        before = await api.get(NUMBER)
        told = before.body["progress"]
        assert (told["status"], told["since"]) == ("Pending", before.body["assignment"]["since"])
        assert (told["takes"], told["helps"][:5]) == ("It can take up to 48 hours.", "Wait.")

        async with database.writing() as connection:
            await connection.execute(sa.update(provisioning_jobs).values(remedied_at=AT))
        after = await api.get(NUMBER)
        assert "off and on" in after.body["progress"]["text"]
        assert after.headers["ETag"] == before.headers["ETag"]
        changed = await api.patch(NUMBER, {"assignment": None}, headers={"If-Match": before.headers["ETag"]})
        assert (changed.status, "progress" in changed.body) == (200, False)

    async def test_two_keys_are_none(self, api):
        """Which of them counts would be a guess."""
        headers = [("Authorization", f"Bearer {api.texts['admin']}")] * 2
        url = f"http://127.0.0.1:{api.registry.http_port}{NUMBER}"
        async with api.session.get(url, headers=headers) as answer:
            assert answer.status == 401

    async def test_a_revoked_key_is_refused_at_once(self, api):
        """Also for what it is asked to do with itself."""
        own = f"/v1/keys/{api.texts['admin'].split('_')[1]}"
        assert (await api.patch(own, {"revoked": True})).status == 200
        assert (await api.patch(own, {"revoked": True})).status == 401
        assert (await api.get(NUMBER)).status == 401

    async def test_a_key_that_loses_the_scope_administers_no_more(self, api):
        """From the next call on."""
        own = f"/v1/keys/{api.texts['admin'].split('_')[1]}"
        assert (await api.patch(own, {"scopes": ["send"]})).status == 200
        assert (await api.get(own)).status == 403


class TestNumber:
    async def test_it_is_shown_with_its_assignment(self, api):
        """Instants in UTC."""
        shown = (await api.get(NUMBER)).body
        assert shown.pop("progress")["status"] == "Enabled"
        assert shown == {
            "did": DID,
            "tenant": "acme",
            "user": "ben",
            "kind": "local",
            "sms": "enabled",
            "sms_enabled_at": "2026-11-20T13:00:00Z",
            "number_changed_at": None,
            "licence_changed_at": None,
            "toll_free_verification": None,
            "sms_page": False,
            "left_at": None,
            "assignment": {
                "state": "assigned",
                "campaign_id": "CACME",
                "brand_id": "BACME",
                "since": None,
                "fault": None,
            },
        }

    @pytest.mark.parametrize("spelled", ["%2B12025550101", "12025550101", "202-555-0101", "(202)%20555-0101"])
    async def test_it_is_found_however_it_is_spelled(self, api, spelled):
        """As a person types it."""
        assert (await api.get(f"/v1/numbers/{spelled}")).body["did"] == DID

    async def test_unassigned_it_has_no_campaign(self, api, database, redis):
        """The row is gone, its audit names the key, and the copy says so."""
        answer = await api.patch(NUMBER, {"assignment": None})

        assert (answer.status, answer.body["assignment"]) == (200, None)
        actor, kind, before, after = await last_audit(database)
        assert (actor, kind, after) == (f"key:{api.texts['admin'].split('_')[1]}", "assignments", None)
        assert before["campaign_id"] == "CACME"
        assert documents.load_number(await redis.get(documents.number_key(DID))).assignment is None

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ({"campaign_id": "CTWO"}, {"state": "assigned", "campaign_id": "CTWO", "brand_id": "BACME"}),
            ({"state": "removing"}, {"state": "removing", "campaign_id": "CACME", "brand_id": "BACME"}),
            (
                {"campaign_id": "CTWO", "state": "pending"},
                {"state": "pending", "campaign_id": "CTWO", "brand_id": "BACME"},
            ),
            ({"state": "failed"}, {"state": "failed", "campaign_id": "CACME", "brand_id": "BACME"}),
        ],
    )
    async def test_it_is_assigned(self, api, body, expected):
        """The brand is the campaign's: the judge wants them in accord."""
        link = (await api.patch(NUMBER, {"assignment": body})).body["assignment"]

        assert {name: link[name] for name in expected} == expected
        assert link["since"] is not None

    async def test_an_assignment_means_assigned(self, api):
        """Unless another state is named, also where it was another before."""
        await api.patch(NUMBER, {"assignment": {"state": "removing"}})

        assert (await api.patch(NUMBER, {"assignment": {"campaign_id": "CACME"}})).body["assignment"]["state"] == (
            "assigned"
        )

    @pytest.mark.parametrize(
        ("path", "body", "pointer", "code"),
        [
            (NUMBER, {"assignment": {"campaign_id": "CSOLO"}}, "/assignment/campaign_id", "unknown_campaign"),
            (NUMBER, {"assignment": {"campaign_id": "NONE"}}, "/assignment/campaign_id", "unknown_campaign"),
            (NUMBER, {"assignment": {"campaign_id": "a b\x00"}}, "/assignment/campaign_id", "unknown_campaign"),
            (
                f"/v1/numbers/{OTHER_DID}",
                {"assignment": {"state": "pending"}},
                "/assignment/campaign_id",
                "missing_field",
            ),
            (NUMBER, {"user": "sol"}, "/user", "unknown_user"),
            (NUMBER, {"user": "nobody"}, "/user", "unknown_user"),
        ],
    )
    async def test_what_it_refers_to_must_be_the_company_s(self, api, database, path, body, pointer, code):
        """Others' are as unknown as none; nothing of the change is made."""
        before = await trail(database)
        answer = await api.patch(path, {"sms": "superseded"} | body)

        assert (answer.status, answer.body["code"]) == (404 if code == "unknown_campaign" else 422, code)
        assert answer.body["errors"] == [{"pointer": pointer, "code": code}]
        assert await trail(database) == before

    async def test_switched_off_it_stays_as_it_was_otherwise(self, api):
        """Its assignment included."""
        before = (await api.get(NUMBER)).body
        del before["progress"]  # (how far it is at the aggregator; a change does not tell)
        after = (await api.patch(NUMBER, {"sms": "disabled"})).body

        assert after | {"change": 0} == before | {"sms": "disabled", "change": 0}

    async def test_switched_on_it_is_on_from_now(self, api):
        """Grandfathering looks at the instant."""
        after = (await api.patch(f"/v1/numbers/{OTHER_DID}", {"sms": "enabled"})).body

        assert (after["sms"], after["sms_enabled_at"] > "2026") == ("enabled", True)

    async def test_in_another_s_hands_it_is_a_changed_number(self, api):
        """From now on; a number in the pool belongs to nobody."""
        after = (await api.patch(NUMBER, {"user": "ann"})).body
        assert (after["user"], after["number_changed_at"] > "2026") == ("ann", True)

        assert (await api.patch(NUMBER, {"user": None})).body["user"] is None

    async def test_an_enabled_number_takes_the_place_of_the_other(self, api):
        """A user has one; the other is superseded, in the same transaction."""
        assert (await api.patch(f"/v1/numbers/{OTHER_DID}", {"user": "ben", "sms": "enabled"})).status == 200

        assert (await api.get(NUMBER)).body["sms"] == "superseded"


class TestOthers:
    @pytest.mark.parametrize(
        ("path", "body"),
        [
            *((CAMPAIGN, {"status": word}) for word in ("pending", "rejected", "expired", "deactivated")),
            *((CAMPAIGN, {"sharing": word}) for word in ("pending", "declined")),
            (CAMPAIGN, {"dca_complete": False}),
            (CAMPAIGN, {"osr_status": 4}),
            (CAMPAIGN, {"osr_status": None, "status": "suspended"}),
            *((BRAND, {"status": word}) for word in ("pending", "unverified", "self_declared", "vetted_verified")),
            *((BRAND, {"status": word}) for word in ("suspended", "deleted")),
            (BRAND, {"vetting_score": 0}),
            (BRAND, {"vetting_score": None}),
            (BRAND, {"vetting_score": 100, "status": "verified"}),
            (KEY, {"scopes": ["read"]}),
        ],
    )
    async def test_what_was_named_is_changed_and_nothing_else(self, api, path, body):
        """As a merge: the rest stays."""
        before = (await api.get(path)).body
        answer = await api.patch(path, body)

        assert answer.status == 200
        after = (await api.get(path)).body
        # What follows from the states of a campaign is not of the campaign itself.
        follows = {name: after[name] for name in ("verified", "lacks") if name in before}
        assert after == before | body | follows

    async def test_one_carrier_s_state_leaves_the_others_alone(self, api, redis):
        """And the judge reads it so."""
        before = (await api.get(CAMPAIGN)).body["carriers"]
        answer = await api.patch(CAMPAIGN, {"carriers": {"tmobile": "suspended"}})

        assert answer.body["carriers"] == before | {"tmobile": "suspended"}
        read = documents.load_campaign(await redis.get(documents.campaign_key("CACME")))
        assert (read.carriers.tmobile, read.carriers.att) == ("suspended", "approved")

    async def test_a_campaign_is_shown_as_in_a_company_file(self, api):
        """Carriers and declarations as objects."""
        shown = (await api.get(CAMPAIGN)).body

        assert shown["declares"] == {
            "embedded_link": True,
            "embedded_phone": False,
            "age_gated": False,
            "direct_lending": False,
        }
        assert "att" not in shown
        assert shown["opt_out_keywords"] == ["STOP"]

    async def test_a_revoked_key_stays_revoked(self, api, redis):
        """And is out of the copy; how it proves itself is never shown."""
        first = (await api.patch(KEY, {"revoked": True})).body
        again = (await api.patch(KEY, {"revoked": True, "scopes": ["send"]})).body

        assert first["revoked_at"] == again["revoked_at"] != ""
        assert again["revoked"]
        assert "sha256" not in first
        assert await redis.get(documents.api_key_key("keyofacme")) is None

    async def test_a_person_s_key_never_administers(self, api):
        """Scopes of a user's key are send and read."""
        own = f"/v1/keys/{api.texts['person'].split('_')[1]}"
        answer = await api.patch(own, {"scopes": ["read", "admin"]})

        assert (answer.status, answer.body["errors"]) == (422, [{"pointer": "/scopes/1", "code": "invalid_enum"}])
        assert (await api.patch(own, {"scopes": ["read", "read"]})).body["scopes"] == ["read"]


class TestSameAgain:
    @pytest.mark.parametrize("kind", PATHS)
    async def test_a_repeated_change_leaves_no_trace_and_gets_the_same_answer(self, api, database, kind):
        """A caller who did not see the answer asks again."""
        first = await api.patch(PATHS[kind][0], BODIES[kind])
        before = await trail(database)
        second = await api.patch(PATHS[kind][0], BODIES[kind])

        for answer in (first, second):
            answer.body["change"].pop("effective_after_ms")
        assert (second.status, second.body) == (first.status, first.body)
        assert await trail(database) == before


class SlowBarrier:
    """Lets a test decide when a change is effective."""

    def __init__(self):
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    async def effective(self, seq, committed_at):
        """Wait for the test."""
        self.asked.set()
        await self.go.wait()
        return Outcome(how=How.PROCESSES, after_s=0.1)


class TestStates:
    @pytest.mark.parametrize(
        ("path", "first", "then"),
        [
            (CAMPAIGN, {"status": "deactivated"}, {"status": "active"}),
            (CAMPAIGN, {"status": "expired"}, {"status": "pending"}),
            (CAMPAIGN, {}, {"status": "draft"}),
            (BRAND, {"status": "deleted"}, {"status": "verified"}),
        ],
    )
    async def test_none_is_set_that_the_life_cycle_does_not_lead_to(self, api, database, path, first, then):
        """What has ended for good stays so."""
        if first:
            assert (await api.patch(path, first)).status == 200
        before = await trail(database)

        answer = await api.patch(path, then)

        assert (answer.status, answer.body["code"]) == (409, "not_from_here")
        assert await trail(database) == before

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            (CAMPAIGN, {"status": "suspended"}),
            (CAMPAIGN, {"carriers": {"att": "review"}}),
            (CAMPAIGN, {"dca_complete": False}),
            (BRAND, {"vetting_score": 5}),
            (NUMBER, {"assignment": None}),
            (NUMBER, {"sms": "superseded"}),
        ],
    )
    async def test_none_is_set_by_hand_where_others_decide(self, settings, database, redis, valkey_server, path, body):
        """As it is in production: TCR, carriers and the aggregator say so themselves."""
        texts = await two_companies(database)
        async with serving(settings, valkey_server.url, texts, states_by_hand=False) as api:
            answer = await api.patch(path, body)

            assert (answer.status, answer.body["code"]) == (409, "state_not_by_hand")


class TestVersions:
    async def test_a_change_names_the_version_it_is_about(self, api):
        """428 without one, 412 with another; the answer's own is good for the next."""
        path = "/v1/users/ben"
        version = (await api.get(path)).headers["ETag"]

        assert (await api.patch(path, {"name": "B"}, headers={"If-Match": ""})).body["code"] == "version_conflict"
        changed = await api.patch(path, {"name": "B"}, headers={"If-Match": version})
        assert changed.status == 200
        stale = await api.patch(path, {"name": "C"}, headers={"If-Match": version})
        assert (stale.status, stale.body["code"]) == (412, "version_conflict")
        assert (await api.patch(path, {"name": "C"}, headers={"If-Match": changed.headers["ETag"]})).status == 200

    async def test_row_121_without_one_it_is_refused(self, api):
        """Nobody overwrites what they have not seen by leaving a header out."""
        request = {"headers": {"Authorization": f"Bearer {api.texts['admin']}"}, "json": {"name": "B"}}
        async with api.session.patch(f"http://127.0.0.1:{api.registry.http_port}/v1/users/ben", **request) as answer:
            assert (answer.status, (await answer.json(content_type=None))["code"]) == (428, "version_required")

    async def test_of_two_who_saw_the_same_one_wins(self, api):
        """The other is told, and looks again."""
        version = {"If-Match": (await api.get("/v1/users/ben")).headers["ETag"]}
        answers = await asyncio.gather(
            *(api.patch("/v1/users/ben", {"name": f"Ben {n}"}, headers=version) for n in range(5)),
        )

        assert sorted(answer.status for answer in answers) == [200, 412, 412, 412, 412]


class TestHangingUp:
    async def test_a_caller_who_is_gone_undoes_nothing(self, settings, database, redis, valkey_server):
        """The change is in the database before the wait begins, and the next caller finds it."""
        texts = await two_companies(database)
        async with serving(settings, valkey_server.url, texts) as api:
            task = asyncio.create_task(api.patch(NUMBER, {"sms": "disabled"}))
            before = await trail(database)

            async def changed():
                return await trail(database) != before

            await eventually(changed)
            task.cancel()
            await asyncio.wait({task})

            assert (await api.get(NUMBER)).body["sms"] == "disabled"
            assert (await api.patch(NUMBER, {"sms": "disabled"})).status == 200

    async def test_a_change_that_began_is_made(self, database):
        """Even when its handler is cancelled in the middle of it, as at the end of the process."""
        texts = await two_companies(database)
        performing = Performing(database, SlowBarrier(), Rules(states_by_hand=True))
        api = AdminApi(database, performing)
        (patch,) = [one.handler for one in api.routes() if one.path == "/v1/brands/{id}" and one.method == "PATCH"]
        async with database.writing() as connection:  # Whoever writes now has to wait.
            task = asyncio.create_task(patch(Request(texts["admin"], "BACME", b'{"status": "suspended"}')))

            async def began():
                return performing._changing

            await eventually(began)
            task.cancel()
            await asyncio.wait({task})
            await change(connection, actor="test", put=[a_brand(vetting_score=5)])
        await performing.finish()

        _, kind, _, after = await last_audit(database)
        assert (task.cancelled(), kind) == (True, "brands")
        assert (after["status"], after["vetting_score"]) == ("suspended", 5)


class Request:
    """As much of a request as the handler looks at."""

    charset, content_type = None, "application/json"

    def __init__(self, key, name, body):
        self.headers = self
        self.content = self
        self.match_info = {"id": name}
        self._key, self._body = key, body

    def getall(self, name, default):
        """Give the header."""
        return {"Authorization": [f"Bearer {self._key}"], "If-Match": ["*"]}.get(name, default)

    async def iter_any(self):
        """Give the body."""
        yield self._body


@only_sqlite  # (PostgreSQL tells a missing table from a server that is away: test_database.py)
async def test_a_database_that_does_not_answer_is_said(api, database):
    """503, to be tried again; nothing of the inside is told."""
    async with database.writing() as connection:
        await connection.execute(sa.text("DROP TABLE assignments"))
    answer = await api.get(NUMBER)

    assert (answer.status, answer.body["code"]) == (503, "database_unavailable")
    assert answer.headers["Retry-After"] == "1"
