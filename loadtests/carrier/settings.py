"""Everything a person can set about the carrier emulator. Read once, in __main__, from the command line."""

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path

from loadtests.emulator import BadSettingsError

#: For development on one machine only: both sides know it, so it protects nothing.
DEVELOPMENT_SECRET = "whsec_" + base64.b64encode(b"carrier emulator, development only").decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one carrier emulator runs."""

    host: str = "127.0.0.1"
    #: 0 lets the system choose; the start line says which.
    port: int = 8082
    #: What a submitter must send as ``Authorization: Bearer <token>``.
    token: str = "carrier-secret"  # noqa: S105  the development default of both sides, never a real secret
    #: Signs receipts, as Standard Webhooks write it: whsec_ and base64.
    secret: str = DEVELOPMENT_SECRET
    #: Rules to start with; None: magic numbers only.
    scenario: Path | None = None
    #: Appended to; None keeps the ledger in a file that vanishes with the process.
    ledger: Path | None = None
    #: Answer a reference that was taken before with its first id, and deliver it once.
    deduplicate: bool = False
    #: Stop when stdin reaches its end: the supervisor holds the other end.
    supervised: bool = False
    #: Draws of scenarios with a probability repeat with the same seed and the same order of arrival.
    seed: int = 1
    #: Longest silence of the behaviour ``hang``; then the connection is closed.
    hang_s: float = 60.0
    #: Delay of the behaviour ``slow`` where a rule gives none.
    slow_ms: int = 2_000
    #: From arrival to the usual receipt.
    receipt_delay_ms: int = 50
    #: From arrival to the receipt of the plan ``late``.
    receipt_late_ms: int = 5_000
    #: Most receipts in one delivery; 1 switches arrays off.
    receipt_batch_max: int = 100
    #: Deliveries under way at the same time.
    receipt_senders: int = 8
    #: Tries of one delivery before it is given up.
    receipt_attempts_max: int = 10
    #: Wait before the second try; doubled for each further one, at most 30 s.
    receipt_backoff_ms: int = 200
    #: Receipts that may wait; further ones are given up at once, so that memory stays bounded.
    receipts_waiting_max: int = 500_000
    #: Texts that are brought at the same time.
    inbound_senders: int = 512
    #: Tries of one text before it is given up; waits between them are as those of receipts.
    inbound_attempts_max: int = 20
    #: Newest messages that ``GET /messages`` still knows. The ledger knows all.
    remembered_max: int = 200_000

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
        if not self.token:
            raise BadSettingsError("token: must not be empty")
        receipts = ("receipt_batch_max", "receipt_senders", "receipt_attempts_max")
        at_least_one = (*receipts, "inbound_senders", "inbound_attempts_max", "remembered_max")
        for name in at_least_one:
            if getattr(self, name) < 1:
                raise BadSettingsError(f"{name}: must be 1 or more")
        not_negative = ("hang_s", "slow_ms", "receipt_delay_ms", "receipt_late_ms", "receipt_backoff_ms")
        for name in not_negative:
            if getattr(self, name) < 0:
                raise BadSettingsError(f"{name}: must not be negative")
        if self.receipt_batch_max > 100:  # noqa: PLR2004  the wire's own limit
            raise BadSettingsError("receipt_batch_max: must be 100 or less, the wire's limit")
