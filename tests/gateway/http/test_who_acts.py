"""Who sends: by the key, by `user`, by `from`."""

import pytest

from tests.gateway.running_edge import ANN, ANNS, BOB, BOBS, CAT, MOBILE, ROB, ROBS, assert_problem

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    ("key", "fields", "user", "number"),
    [
        pytest.param("ann", {}, ANN, ANNS, id="user's key alone"),
        pytest.param("ann", {"user": ANN}, ANN, ANNS, id="user's key names its user"),
        pytest.param("ann", {"sender": ANNS}, ANN, ANNS, id="user's key and number"),
        pytest.param("acme", {"user": BOB}, BOB, BOBS, id="tenant's key and user"),
        pytest.param("acme", {"sender": ANNS}, ANN, ANNS, id="tenant's key and number: its owner"),
        pytest.param("acme", {"sender": "(202) 555-0112"}, BOB, BOBS, id="tenant's key and number as typed"),
        pytest.param("acme", {"user": ANN, "sender": ANNS}, ANN, ANNS, id="tenant's key, user and number"),
    ],
)
async def test_who_sends(edge, key, fields, user, number):
    """The message is that user's, from that number."""
    answer = await edge.send(key, **fields)
    shown = (await edge.get(f"/v1/messages/{answer.json['id']}", key="acme")).json

    assert answer.status == 202
    assert (shown["user"], shown["from"]) == (user, number)


@pytest.mark.parametrize(("key", "origin"), [("ann", "app"), ("acme", "api")])
async def test_where_it_comes_from(edge, key, origin):
    """A person's key is the app's, a tenant's key a program's."""
    answer = await edge.send(key, user=ANN)
    record = (await edge.get(f"/v1/messages/{answer.json['id']}/decision")).json

    assert record["facts"]["message"]["origin"] == origin


@pytest.mark.parametrize("user", [BOB, ROB, "nobody"])
async def test_a_users_key_sends_for_nobody_else(edge, user):
    """Not for a colleague, and whether there is such a user is not told."""
    assert_problem(await edge.send(user=user), 403, "forbidden", user)


@pytest.mark.parametrize("user", [ROB, "nobody", "", "acme-ann ", "ACME-ANN", "a" * 129, "{reg}", "é"])
async def test_a_tenants_key_sends_for_its_own_users_only(edge, user):
    """Another tenant's user is as unknown as none."""
    assert_problem(await edge.send("acme", user=user), 422, "unknown_user", user)
    assert_problem(await edge.send("acme", user=user, sender=ANNS), 422, "unknown_user", user)


@pytest.mark.parametrize(("user", "sender"), [(ANN, BOBS), (ANN, ROBS), (CAT, ANNS)])
async def test_the_number_must_be_the_users(edge, user, sender):
    """Whoever is named beside it."""
    assert_problem(await edge.send("acme", user=user, sender=sender), 403, "did_not_owned_by_sender")


@pytest.mark.parametrize(
    ("key", "fields"), [("cat", {}), ("dis", {}), ("acme", {"user": CAT}), ("acme", {"user": "acme-dis"})]
)
async def test_a_user_without_an_enabled_number(edge, key, fields):
    """What is missing is SMS on a number; the message shows it, too."""
    answer = await edge.send(key, to=MOBILE, **fields)
    shown = (await edge.get(f"/v1/messages/{answer.json['id']}", key="acme")).json

    assert_problem(answer, 403, "did_not_sms_enabled")
    assert (shown["status"], shown["reason"]["code"], shown["from"]) == ("blocked", "did_not_sms_enabled", None)


async def test_neither_user_nor_number(edge):
    """A tenant's key has no number of its own."""
    answer = await edge.send("acme")

    assert_problem(answer, 422, "missing_field")
    assert answer.json["errors"] == [{"pointer": "/from", "code": "missing_field"}]


async def test_an_owner_who_is_no_user_any_more(edge):
    """The number is there, its user is gone: nobody sends."""
    key = "{reg}:user:acme-bob"
    document = await edge.registry.read(key)
    await edge.registry.write({key: None})

    by_number, by_key = await edge.send("acme", sender=BOBS), await edge.send("bob", sender=BOBS)
    await edge.registry.write({key: document})

    assert_problem(by_number, 403, "did_not_owned_by_sender")
    assert_problem(by_key, 403, "did_not_owned_by_sender")
