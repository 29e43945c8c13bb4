"""Signing in with an identity provider, and whatever it or a thief may send instead."""

import time
from types import SimpleNamespace

import pytest
from joserfc.jwk import ECKey

from registry.console import oidc
from tests.registry.console.identity_provider import CLIENT, SECRET, IdentityProvider
from tests.registry.console.visitors import a_console


@pytest.fixture
async def identity():
    """A provider that vouches for ada."""
    provider = IdentityProvider()
    async with provider.server:
        yield provider


@pytest.fixture
async def console(settings, store, valkey_server, identity):
    """A console whose people may sign in there; its own address is known before it is served."""
    del store
    from loadtests.ports import free_port  # noqa: PLC0415 - only here

    port = free_port()
    more = {
        "http_port": port,
        "console_url": f"http://127.0.0.1:{port}",
        "oidc_issuer": identity.issuer,
        "oidc_client_id": CLIENT,
        "oidc_client_secret": SECRET,
    }
    async with a_console(settings, valkey_server.url, **more) as console:
        yield console


async def test_a_person_that_it_vouches_for_comes_in(console):
    """And is led to where they wanted to go, by a page of ours: a Strict cookie needs one."""
    visitor = await console.visitor()
    assert "/console/oidc" in (await visitor.go("/console/sign-in")).text
    seen = await visitor.go("/console/oidc?next=/console/password")
    assert (seen.status, 'content="0;url=/console/password"' in seen.text) == (200, True)
    assert (await visitor.go("/console/password")).path == "/console/password"


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "nobody@console.example"},
        {"email": None},
        {"email": ["ada@console.example"]},
        {"email_verified": False},
        {"email_verified": "true"},
        {"aud": "another"},
        {"aud": None},
        {"iss": "http://127.0.0.1:1"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1_700_000_000},
        {"exp": None},
        {"sub": None},
    ],
    ids=str,
)
async def test_what_does_not_fit_opens_nothing(console, identity, claims):
    """Claims of others, for others, of another time, or of an address that nobody checked."""
    identity.claims = claims
    visitor = await console.visitor()
    assert (await visitor.go("/console/oidc")).status == 403
    assert (await visitor.go("/console")).path.startswith("/console/sign-in")


@pytest.mark.parametrize("how", ["another key", "HS256"])
async def test_what_it_did_not_sign_opens_nothing(console, identity, how):
    """A key of its name that is not its own, and its public key taken for a secret."""
    if how == "HS256":
        identity.algorithm = "HS256"
    else:
        identity.signs_with = ECKey.generate_key("P-256", parameters={"kid": "one"})
    visitor = await console.visitor()
    assert (await visitor.go("/console/oidc")).status == 403


async def test_a_new_key_of_it_is_learnt(console, identity, monkeypatch):
    """Without waiting for the hour to pass; on a machine that was started just now, too."""
    booted = time.monotonic()
    monkeypatch.setattr(oidc, "time", SimpleNamespace(monotonic=lambda: time.monotonic() - booted, time=time.time))
    assert (await (await console.visitor()).go("/console/oidc")).status == 200
    identity.key = ECKey.generate_key("P-256", parameters={"kid": "one"})
    assert (await (await console.visitor()).go("/console/oidc")).status == 200


@pytest.mark.parametrize("query", ["code=x", "code=x&state=y", "state=y", "error=access_denied", ""])
async def test_who_did_not_begin_here_cannot_end_here(console, query):
    """Such as somebody who was sent a link with another one's code."""
    visitor = await console.visitor()
    assert (await visitor.go(f"/console/oidc/callback?{query}")).status == 403


async def test_a_provider_that_is_away_is_told(console, identity):
    """With the other way in."""
    identity.is_down = True
    seen = await (await console.visitor()).go("/console/oidc")
    assert (seen.status, "sign in with your password" in seen.words) == (503, True)
