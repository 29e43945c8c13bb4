"""Everything a person can set about the aggregator emulator. Read once, in __main__, from the command line."""

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path

from loadtests.emulator import BadSettingsError

#: For development on one machine only: both sides know it, so it protects nothing.
DEVELOPMENT_SECRET = "whsec_" + base64.b64encode(b"aggregator emulator, development only").decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one aggregator emulator runs. All durations are multiplied by scale."""

    host: str = "127.0.0.1"
    #: 0 lets the system choose; the start line says which.
    port: int = 8084
    #: What a caller must send as ``Authorization: Bearer <key>``.
    key: str = "aggregator-key"
    #: Signs webhooks, as Standard Webhooks write it: whsec_ and base64.
    secret: str = DEVELOPMENT_SECRET
    #: Where events go; empty: nowhere, until the control API names a place.
    webhook_url: str = ""
    #: Appended to at every change and read at the start; None forgets everything with the process.
    state: Path | None = None
    #: A company file (a2p-company/1) whose assigned numbers are ADDED from the start, unless the state knows them.
    company: Path | None = None
    #: Stop when stdin reaches its end: the supervisor holds the other end.
    supervised: bool = False
    #: From the acceptance of an addition until it is ADDED.
    add_s: float = 5.0
    #: From the acceptance of a removal until it is DELETED.
    remove_s: float = 2.0
    #: From ADDED or DELETED until OSR says the same.
    osr_s: float = 0.5
    #: Before the second try of a webhook, and between later ones.
    retry_s: float = 30.0
    #: Tries of one webhook before it is given up.
    attempts_max: int = 6
    #: 1 is as said; 0.001 is for tests; 17,280 makes the usual 5 seconds a day.
    scale: float = 1.0
    #: Calls a second, in bursts of as many; more get 429.
    reads_per_s: float = 100.0
    writes_per_s: float = 20.0
    #: Numbers of a campaign that has no pool.
    campaign_numbers_max: int = 49
    #: Draws of rules with a probability repeat with the same seed and the same order of arrival.
    seed: int = 1

    def signing_key(self) -> bytes:
        """Return the key inside the secret.

        Raises:
            BadSettingsError: the secret is not ``whsec_`` and base64 of at least one byte.
        """
        prefix, encoded = self.secret[:6], self.secret[6:]
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            key = b""
        if prefix != "whsec_" or not key:
            raise BadSettingsError("secret: must be whsec_ followed by base64")
        return key

    def check(self) -> None:
        """Refuse what cannot work.

        Raises:
            BadSettingsError: names the setting.
        """
        self.signing_key()
        if not self.key:
            raise BadSettingsError("key: must not be empty")
        for name in ("attempts_max", "campaign_numbers_max"):
            if getattr(self, name) < 1:
                raise BadSettingsError(f"{name}: must be 1 or more")
        for name in ("add_s", "remove_s", "osr_s", "retry_s", "scale"):
            if getattr(self, name) < 0:
                raise BadSettingsError(f"{name}: must not be negative")
        for name in ("reads_per_s", "writes_per_s"):
            if getattr(self, name) < 1:
                raise BadSettingsError(f"{name}: must be 1 or more")
