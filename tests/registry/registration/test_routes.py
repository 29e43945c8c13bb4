"""The calls about registering, by HTTP: a brand and a campaign from the first draft, versions, the fee, the steps."""

import asyncio
from dataclasses import replace

import pytest
import pytest_asyncio

from registry.commands import change, find
from registry.database import Database
from registry.records import Application
from registry.registration.tcr_form import brand_of, campaign_of
from tests.registry.admin import serving
from tests.registry.builders import a_number, a_tenant, a_user, an_assignment, trail
from tests.registry.people.provider import everybody
from tests.registry.registration.forms import BRAND, CAMPAIGN
from tests.valkey import Valkey

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(databases, tmp_path_factory):
    """A served registry."""
    with Valkey() as server, databases.new(tmp_path_factory.mktemp("applications")) as settings:
        async with Database.opened(settings) as database:
            texts = await everybody(database)
            async with serving(settings, server.url, texts) as api:
                api.database = database
                yield api


async def begin(api, kind="campaign", *, tenant=None, brand="BACME", **given):
    """Begin a form."""
    body = {"kind": kind, "fields": (BRAND if kind == "brand" else CAMPAIGN) | given}
    headers = {} if tenant is None else {"A2P-Tenant": tenant}
    key = "admin" if tenant is None else "operator"
    body |= {"brand_id": brand} if kind == "campaign" else {}
    return await api.call("POST", "/v1/applications", body, key=key, headers=headers)


async def taken(api, name, key, **given):
    """Have TCR take a form."""
    async with api.database.writing() as connection:
        application = (await find(connection, Application, {(name,)}))[name,]
        made = replace((brand_of if application.kind == "brand" else campaign_of)(application, key), **given)
        put = [made, replace(application, state="submitted", object_id=key)]
        await change(connection, actor="tcr", put=put)


class TestForms:
    async def test_a_form_is_shown_as_it_is(self, api):
        """To the company's own people only, and in its list."""
        begun = await begin(api)
        path = f"/v1/applications/{begun.body['id']}"
        shown = await api.get(path)

        assert (begun.status, begun.body["state"], begun.body["fields"]["use_case"]) == (201, "draft", "LOW_VOLUME")
        assert shown.body == {name: value for name, value in begun.body.items() if name != "change"}
        assert (await api.get(path, key="solo")).status == 404
        listed = (await api.get("/v1/applications?kind=campaign&state=draft&limit=500")).body["items"]
        assert begun.body["id"] in {one["id"] for one in listed}
        assert (await api.get("/v1/applications", key="solo")).body["items"] == []
        assert [one["id"] for one in listed] == sorted(one["id"] for one in listed)

    async def test_saving_names_a_version(self, api):
        """Two admins do not undo each other's work unseen."""
        path = f"/v1/applications/{(await begin(api)).body['id']}"
        version = (await api.get(path)).headers["ETag"]
        saved = {"fields": {"description": "x"}}
        first = await api.call("PUT", path, saved, headers={"If-Match": version})
        late = await api.call("PUT", path, {"fields": {}}, headers={"If-Match": version})
        without = await api.call("PUT", path, saved)
        anyway = await api.call("PUT", path, saved, headers={"If-Match": "*"})

        assert (first.status, first.body["fields"]["description"]) == (200, "x")
        assert (late.status, late.body["code"]) == (412, "version_conflict")
        assert (without.status, without.body["code"]) == (428, "version_required")
        assert anyway.headers["ETag"] == first.headers["Etag"] == (await api.get(path)).headers["Etag"] != version

    async def test_of_two_who_save_at_once_one_wins(self, api):
        """The other hears that it has changed."""
        path = f"/v1/applications/{(await begin(api)).body['id']}"
        version = (await api.get(path)).headers["ETag"]
        bodies = [{"fields": {"description": f"{place}"}} for place in range(5)]
        answers = await asyncio.gather(*(api.call("PUT", path, body, headers={"If-Match": version}) for body in bodies))

        assert sorted(one.status for one in answers) == [200, 412, 412, 412, 412]

    @pytest.mark.parametrize(
        ("body", "pointer", "code"),
        [
            ({}, "/kind", "missing_field"),
            ({"kind": "toll_free"}, "/kind", "invalid_enum"),
            ({"kind": "campaign"}, "/brand_id", "missing_field"),
            ({"kind": "campaign", "brand_id": "BSOLO"}, "/brand_id", "unknown_brand"),
            ({"kind": "campaign", "brand_id": "a b"}, "/brand_id", "unknown_brand"),
            ({"kind": "brand", "fields": []}, "/fields", "invalid_type"),
            ({"kind": "brand", "fields": {"ein": 123456789}}, "/fields/ein", "invalid_type"),
            ({"kind": "brand", "fields": {"ein": "1" * 301}}, "/fields/ein", "invalid_value"),
            ({"kind": "brand", "fields": {"leave": "PROXY"}}, "/fields/leave", "unknown_field"),
            ({"kind": "brand", "fields": {"samples": []}}, "/fields/samples", "unknown_field"),
            ({"kind": "brand", "state": "submitted"}, "/state", "unknown_field"),
        ],
    )
    async def test_what_is_no_form(self, api, body, pointer, code):
        """Named by its field, without the value; nothing is kept."""
        before = await trail(api.database)
        answer = await api.call("POST", "/v1/applications", body)

        assert (answer.status, answer.body["errors"][0]) == (422, {"pointer": pointer, "code": code})
        assert "123456789" not in str(answer.body)
        assert await trail(api.database) == before

    async def test_leave_is_noted_by_an_operator(self, api):
        """Nobody notes it for themselves."""
        begun = await begin(api, use_case="SWEEPSTAKE", sub_use_cases=[])
        path = f"/v1/applications/{begun.body['id']}"
        for_acme = {"A2P-Tenant": "acme"}
        assert [one["code"] for one in (await api.call("POST", f"{path}/check")).body["faults"]] == ["leave_required"]
        assert (await api.call("PUT", f"{path}/leave", {"granted": True})).status == 403
        noted = await api.call("PUT", f"{path}/leave", {"granted": True}, key="operator", headers=for_acme)
        assert (noted.status, noted.body["leave"]) == (200, True)
        assert (await api.call("POST", f"{path}/check")).body["ok"] is True


class TestTheWayToTcr:
    async def test_from_nothing_to_texting(self, api):
        """Each step says what comes next; the fee is shown before it is owed, and owed once."""
        for_them = {"A2P-Tenant": "fresh"}
        async with api.database.writing() as connection:
            await change(connection, actor="test", put=[a_tenant("fresh", currency="CAD", country="CA")])

        async def state():
            shown = (await api.get("/v1/registration", key="support", headers=for_them)).body
            return [one["stage"] for one in shown["steps"]], (shown["next"] or {}).get("step"), shown["fee"]

        async def step(name, what):
            return await api.call("POST", f"/v1/applications/{name}/{what}", key="operator", headers=for_them)

        stages, ahead, fee = await state()
        assert (stages, ahead) == (["todo", "todo", "todo", "todo"], "brand")
        assert (fee["cents"], fee["currency"], fee["charged_at"]) == (12_100, "CAD", None)
        early = await begin(api, tenant="fresh")
        assert (early.status, early.body["code"]) == (422, "unknown_brand")

        brand = (await begin(api, "brand", tenant="fresh")).body["id"]
        assert (await step(brand, "submit")).body["state"] == "submitting"
        assert (await state())[0] == ["waiting", "todo", "todo", "todo"]
        await taken(api, brand, "BFRESH")
        closed = await begin(api, tenant="fresh", brand="BFRESH")
        assert (closed.status, closed.body["code"]) == (409, "brand_unverified")
        await taken(api, brand, "BFRESH", status="unverified", faults=("EIN and name differ.",))
        assert (await state())[:2] == (["refused", "todo", "todo", "todo"], "brand")
        shown = await api.get(f"/v1/applications/{brand}", key="support", headers=for_them)
        assert shown.body["reasons"] == ["EIN and name differ."]
        assert (await step(brand, "submit")).body["object_status"] == "pending"
        await taken(api, brand, "BFRESH", status="verified")
        assert (await state())[:2] == (["done", "todo", "todo", "todo"], "campaign")

        campaign = (await begin(api, tenant="fresh", brand="BFRESH")).body["id"]
        checked = (await step(campaign, "check")).body
        assert (checked["ok"], checked["fee"]["cents"], checked["fee"]["charged_at"]) == (True, 12_100, None)
        sent = (await step(campaign, "submit")).body
        assert sent["fee"]["charged_at"] is not None
        fees = (await api.get("/v1/fees", key="support", headers=for_them)).body
        assert [(one["cents"], one["currency"], one["application"]) for one in fees["items"]] == [
            (12_100, "CAD", campaign)
        ]
        assert (await state())[:2] == (["done", "waiting", "todo", "todo"], "campaign")
        await taken(api, campaign, "CFRESH", status="rejected")
        assert (await state())[0] == ["done", "refused", "todo", "todo"]
        await taken(api, campaign, "CFRESH", status="active", sharing="accepted", dca_complete=True)
        assert (await state())[:2] == (["done", "done", "todo", "todo"], "numbers")

        did = "+12025550777"
        person = a_user("fred", tenant="fresh")
        number = a_number(did, tenant="fresh", user="fred")
        link = an_assignment(did, campaign_id="CFRESH", brand_id="BFRESH", state="pending")
        async with api.database.writing() as connection:
            await change(connection, actor="test", put=[person, number, link])
        assert (await state())[0] == ["done", "done", "waiting", "todo"]
        async with api.database.writing() as connection:
            await change(connection, actor="test", put=[replace(link, state="failed")])
        assert (await state())[:2] == (["done", "done", "refused", "todo"], "numbers")
        async with api.database.writing() as connection:
            await change(connection, actor="test", put=[replace(link, state="assigned")])
        assert (await state())[:2] == (["done", "done", "done", "done"], None)

    async def test_what_is_wrong_is_said_at_once(self, api):
        """In one refusal, by field; what was typed is not repeated."""
        begun = await begin(api, help_message="secret words of mine here", samples=["see bit.ly/secret, ok?"])
        answer = await api.call("POST", f"/v1/applications/{begun.body['id']}/submit")

        assert answer.status == 422
        assert {(one["pointer"], one["code"]) for one in answer.body["errors"]} == {
            ("/fields/help_message", "brand_not_named"),
            ("/fields/samples", "invalid_value"),
            ("/fields/samples/0", "content_refused"),
            ("/fields/embedded_link", "declaration_mismatch"),
        }
        assert "secret" not in str(answer.body)

    async def test_of_several_who_submit_one_wins(self, api):
        """The others get 409."""
        name = (await begin(api)).body["id"]
        answers = await asyncio.gather(*(api.call("POST", f"/v1/applications/{name}/submit") for _ in range(6)))

        assert sorted(one.status for one in answers) == [200, 409, 409, 409, 409, 409]
        assert {one.body["code"] for one in answers if one.status == 409} == {"not_from_here"}
