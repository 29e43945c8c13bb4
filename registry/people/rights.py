"""Which scopes a key may have: by the role of the person whose it is, and by the key that it is made with.

    send       text                                   read       see one's messages
    admin      see and change the company's objects, its keys among them
    support    see every company's objects            operator   change them, and do what only the provider may

Who administers a company is the widest in it: with a key for admins, keys for its programs and people can be made. The
provider's two scopes are given by an operator, and to keys of the provider's own company only.

Pure: nothing else decides what a key may have.
"""

from collections.abc import Collection, Sequence
from typing import Final

#: In the order in which a key has them.
SCOPES: Final = ("send", "read", "admin", "support", "operator")
PROVIDER_SCOPES: Final = frozenset({"support", "operator"})
PROVIDER_ROLES: Final = ("support", "operator")
#: Who administers a company.
ADMIN_ROLE: Final = "admin"
_EMPLOYEE: Final = frozenset({"send", "read"})
#: What keys of a person may have at most, by role; a role that nobody knows is an employee's.
ROLE_SCOPES: Final = {
    "employee": _EMPLOYEE,
    ADMIN_ROLE: _EMPLOYEE | {"admin"},
    "support": _EMPLOYEE | {"support"},
    "operator": frozenset(SCOPES),
}


def of_role(role: str) -> frozenset[str]:
    """Return the scopes that keys of a person with this role may have."""
    return ROLE_SCOPES.get(role, _EMPLOYEE)


def ordered(scopes: Collection[str]) -> tuple[str, ...]:
    """Return scopes as a key has them, each once."""
    return tuple(scope for scope in SCOPES if scope in scopes)


def too_wide(scopes: Sequence[str], *, operator: bool, provider: bool) -> int | None:
    """Return the place of the first scope that may not be given; None when all may.

    operator: who gives them is one. provider: the key is to be the provider's own.
    """
    for place, scope in enumerate(scopes):
        if scope in PROVIDER_SCOPES and not (operator and provider):
            return place
    return None
