"""Passwords, kept as Argon2id; OWASP's parameters. A check takes a tenth of a second and 64 MB, on purpose.

So checks run in a thread, a few at once: whoever floods the sign-in waits in line, and nobody else does.

Source: OWASP Password Storage Cheat Sheet; NIST SP 800-63B 5.1.1 (length counts, composition rules do not).
"""

import asyncio
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from registry.problems import Problem, wrong_field

LENGTH_MIN: Final = 12
LENGTH_MAX: Final = 256
_AT_ONCE: Final = 2
#: Compared with where there is no such login, so that the answer takes the same time.
_NOBODYS: Final = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$PRO6KwJeyCnfgsBS/m6hzhkZhmsYRsT/vXLGuNDdyMs"


class Passwords:
    """Makes and checks hashes."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def hash(self, password: str) -> str:
        """Return what to keep of a new password. Problem: too short, too long, or the same sign again and again."""
        if not LENGTH_MIN <= len(password) <= LENGTH_MAX or len(set(password)) < LENGTH_MIN // 3:
            raise wrong_field(
                "/password", "invalid_value", f"Choose a password of {LENGTH_MIN} to {LENGTH_MAX} characters."
            )
        async with self._room:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def hash_of(self, password: str, again: str) -> str:
        """Return what to keep of a new password that was typed twice. Problem: passwords_differ, or as hash()."""
        if password != again:
            raise Problem("passwords_differ")
        return await self.hash(password)

    async def proves(self, kept: str | None, password: str) -> bool:
        """Say whether a password is the one that was kept so; takes as long where there is none."""
        async with self._room:
            return await asyncio.to_thread(self._check, kept or _NOBODYS, password) and bool(kept)

    def _check(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password[: LENGTH_MAX + 1])
        except (VerificationError, InvalidHashError):
            return False
