import orjson
import pytest

from compliance.shapes import ShapeError
from gateway.client.credentials import read_credentials


def some_credentials(tenants: str = "acme acme-west", **fields):
    """Keys of the companies named, and of two users."""
    keys = {tenant: f"key of {tenant}" for tenant in tenants.split()}
    content = {"api_keys": keys, "user_keys": {"acme-ana": "key of ana", "zoe": "key of zoe"}, **fields}
    return read_credentials(orjson.dumps(content))


@pytest.mark.parametrize(
    ("user", "tenant"),
    [("acme-ana", "acme"), ("acme-west-bo", "acme-west"), ("acmeana", None), ("zoe", None), ("acme", None)],
)
def test_an_id_names_its_company(user, tenant):
    """Where the file has keys only; the longest name that fits is the company's."""
    assert some_credentials().tenant_of(user) == tenant


def test_the_only_company_is_everybodys():
    """Whatever the ids look like."""
    assert some_credentials("acme").tenant_of("zoe") == "acme"


def test_what_the_file_says_goes_first():
    """As a demo.json does."""
    users = [{"id": "acme-ana", "tenant": "acme-west", "name": "Ana"}]

    assert some_credentials(users=users).tenant_of("acme-ana") == "acme-west"


@pytest.mark.parametrize(
    ("user", "origin", "key"),
    [
        ("acme-ana", "app", "key of ana"),
        ("acme-ana", "api", "key of acme"),
        ("acme-bo", "app", None),
        ("acme-bo", "api", "key of acme"),
        ("zoe", "app", "key of zoe"),
        ("zoe", "api", None),
    ],
)
def test_a_message_goes_with_the_key_of_its_origin(user, origin, key):
    """What a person typed with the person's, what a program sends with the company's."""
    assert some_credentials().key_of(user, origin) == key


@pytest.mark.parametrize(
    "fields",
    [
        {"api_keys": None},
        {"user_keys": ["k"]},
        {"user_keys": {"zoe": "two\nlines"}},
        {"users": [1]},
        {"users": [{"id": "zoe"}]},
        {"users": {"zoe": "acme"}},
    ],
)
def test_a_file_of_another_shape_is_refused(fields):
    """Also where a key could not be sent in a header."""
    with pytest.raises(ShapeError, match="credentials"):
        some_credentials(**fields)
