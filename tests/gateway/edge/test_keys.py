from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.documents import KeyDocument, api_key_key, dump_key
from gateway.edge.keys import Keys, Principal
from gateway.errors import Problem
from gateway.near.memory import Memory
from gateway.near.source import NO_READING, Reading

#: A busy machine is no reason to fail.
patient = settings(max_examples=60, deadline=None)

KEY = "a2p_k1_" + "s" * 32


class Store:
    """A near cache that has nothing in memory: every document is read from the store, which is a dictionary."""

    def __init__(self, documents: dict[str, bytes] | None, *, age_ms: int | None = 0) -> None:
        self.documents = documents
        self.age_ms = age_ms
        self.asked = 0

    def memory(self) -> None:
        """Nothing was ever loaded."""

    def reading(self) -> None:
        """So nothing is known."""

    async def read(self, keys) -> Reading:
        """Answer as the store does."""
        self.asked += 1
        if self.documents is None:
            return NO_READING
        return Reading(documents={key: self.documents.get(key) for key in keys}, seq=1, age_ms=self.age_ms)


class Loaded(Store):
    """A near cache with everything in memory, fresh or not; the store behind it is away."""

    def __init__(self, documents: dict[str, bytes], *, is_fresh: bool) -> None:
        super().__init__(None)
        self._memory = Memory(10)
        for key, document in documents.items():
            self._memory.write(key, document)
        self._is_fresh = is_fresh

    def memory(self) -> Memory:
        """Everything."""
        return self._memory

    def reading(self) -> Reading | None:
        """Fresh, or nothing to rely on."""
        return Reading(documents={}, seq=1, age_ms=0) if self._is_fresh else None


def a_document(**fields) -> bytes:
    """Build the document of KEY."""
    defaults = {"id": "k1", "sha256": sha256(KEY.encode()).hexdigest(), "tenant": "acme", "scopes": ("send",)}
    return dump_key(KeyDocument(**defaults | fields))


def a_store(**fields) -> Store:
    """Build a store that knows KEY."""
    return Store({api_key_key("k1"): a_document(**fields)})


async def code_of(store: Store, authorization: str | None) -> str:
    """Say which problem a header is refused with."""
    with pytest.raises(Problem) as refused:
        await Keys(store).check(authorization)
    return refused.value.code


@pytest.mark.parametrize(("user", "origin"), [(None, "api"), ("acme-ann", "app")])
async def test_a_key_says_whose_it_is(user, origin):
    """Tenant, user, scopes; and with the user the origin of what is sent."""
    principal = await Keys(a_store(user=user)).check(f"Bearer {KEY}")

    assert principal == Principal(tenant="acme", user=user, scopes=frozenset({"send"}))
    assert principal.origin == origin


async def test_a_scope_is_there_or_forbidden():
    """Nothing follows from another scope."""
    principal = await Keys(a_store(scopes=("admin",))).check(f"Bearer {KEY}")

    principal.require("admin")
    with pytest.raises(Problem, match="forbidden"):
        principal.require("send")


@pytest.mark.parametrize("document", [b"", b"{", b"[]", b'{"v":2}', a_document(sha256=""), a_document(sha256="é")])
async def test_a_document_that_proves_nothing(document):
    """Closed."""
    assert await code_of(Store({api_key_key("k1"): document}), f"Bearer {KEY}") == "unauthenticated"


@pytest.mark.parametrize("store", [Store(None), Store({}, age_ms=None)])
async def test_without_a_registry_no_key_can_be_checked(store):
    """Neither valid nor invalid: ours to say sorry for."""
    assert await code_of(store, f"Bearer {KEY}") == "registry_unavailable"


async def test_a_key_in_memory_is_not_looked_up():
    """Nor is one that is not there: memory has them all."""
    near = Loaded({api_key_key("k1"): a_document()}, is_fresh=True)

    assert (await Keys(near).check(f"Bearer {KEY}")).tenant == "acme"
    assert await code_of(near, "Bearer a2p_k2_" + "s" * 32) == "unauthenticated"
    assert near.asked == 0


async def test_without_the_store_a_key_is_what_it_was():
    """Colleagues write on, however long it takes; what goes outside is refused for its facts."""
    near = Loaded({api_key_key("k1"): a_document()}, is_fresh=False)

    assert (await Keys(near).check(f"Bearer {KEY}")).tenant == "acme"
    assert await code_of(near, "Bearer a2p_k2_" + "s" * 32) == "unauthenticated"


async def test_what_is_no_key_is_not_looked_up():
    """Whatever stands in the header never becomes part of a store's key."""
    store = a_store()
    for header in (None, "", "Bearer", f"Bearer {KEY}\n", f"Bearer {KEY}}}", "Bearer a2p_{reg}_00000000"):
        assert await code_of(store, header) == "unauthenticated"
    assert store.asked == 0


@patient
@given(st.text())
async def test_no_header_breaks_anything(text):
    """Any text is a key of nobody."""
    assert await code_of(a_store(), text) == "unauthenticated"
    assert await code_of(a_store(), f"Bearer a2p_{text}") == "unauthenticated"


@patient
@given(st.text(alphabet="0123456789abcABC", min_size=8, max_size=64))
async def test_only_the_whole_key_opens(secret):
    """Any other secret of a known key is refused."""
    assert await code_of(a_store(), f"Bearer a2p_k1_{secret}") == "unauthenticated"
