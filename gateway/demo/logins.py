"""Who signs in to the console of the demonstration: the people who have more to do there than to text, and who texts.

Everybody has the same password, minted once per data directory.
"""

from typing import Any, Final

from gateway.demo.cast import Cast

_MOST: Final = 12


def logins_of(users: list[dict[str, Any]], cast: Cast, password: str) -> list[dict[str, str]]:
    """Return logins for people of a company file: user, email and password each."""
    wanted = [user["id"] for user in users if user.get("role") in {"admin", "support", "operator"}][: _MOST - 1]
    return [
        {"user": name, "email": f"{name}@demo.example".lower(), "password": password}
        for name in dict.fromkeys([*wanted, cast.sender])
    ]


def provider_of(users: list[dict[str, Any]]) -> str | None:
    """Return the company that is the phone company itself: that of its operators; None where there are none."""
    return next((user["tenant"] for user in users if user.get("role") == "operator"), None)
