"""Everything a person can set about the TCR emulator. Read once, in __main__, from the command line."""

from dataclasses import dataclass, fields
from pathlib import Path

from loadtests.emulator import BadSettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long reviews take, in seconds. TCR takes minutes to weeks; a demonstration has less patience."""

    #: From the registration of a brand, or a revet, to its identity status.
    brand_s: float = 2.0
    #: From the order of an external vetting to its score.
    vetting_s: float = 2.0
    #: From the sharing of a campaign to the answer of the partner it was shared with.
    share_s: float = 1.5
    #: From there until the last aggregator has approved it.
    dca_s: float = 3.0
    #: From there to the answer of each carrier.
    carrier_s: float = 1.5

    def check(self) -> None:
        """Refuse what cannot work.

        Raises:
            BadSettingsError: names the setting.
        """
        for field in fields(self):
            if not 0 <= getattr(self, field.name) <= 86_400:  # noqa: PLR2004  a day
                raise BadSettingsError(f"{field.name}: must be from 0 to 86400 seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one TCR emulator runs."""

    host: str = "127.0.0.1"
    #: 0 lets the system choose; the start line says which.
    port: int = 8083
    #: User of HTTP Basic authentication.
    key: str = "tcr-key"
    #: Its password, which signs webhooks, too.
    secret: str = "tcr-secret"  # noqa: S105  the development default of both sides, never a real secret
    #: Subscribed to every category at the start; "" subscribes to none.
    hook_url: str = ""
    #: What is known is kept here, and read at the start; None forgets it at the end.
    state: Path | None = None
    #: A company file whose brands and campaigns are known from the start.
    company: Path | None = None
    #: Stop when stdin reaches its end: the supervisor holds the other end.
    supervised: bool = False
    #: Ids repeat with the same seed and the same order of arrival.
    seed: int = 1
    pace: Pace = Pace()
    #: GETs in a second, and writes in ten: beyond, 429.
    reads_per_s: int = 20
    writes_per_10s: int = 20
    #: Longest silence of the behaviour ``hang``; then the connection is closed.
    hang_s: float = 60.0
    #: Tries of one webhook before it is given up, and the wait before the second; doubled for each further one.
    hook_attempts_max: int = 10
    hook_backoff_s: float = 0.2
    #: Longest that a receiver may take to answer a webhook.
    hook_timeout_s: float = 15.0

    def check(self) -> None:
        """Refuse what cannot work.

        Raises:
            BadSettingsError: names the setting.
        """
        for name in ("key", "secret"):
            if not getattr(self, name):
                raise BadSettingsError(f"{name}: must not be empty")
        if self.hook_url and not self.hook_url.startswith(("http://", "https://")):
            raise BadSettingsError("hook_url: must be an http:// or https:// address")
        for name in ("reads_per_s", "writes_per_10s", "hook_attempts_max"):
            if getattr(self, name) < 1:
                raise BadSettingsError(f"{name}: must be 1 or more")
        for name in ("hang_s", "hook_backoff_s", "hook_timeout_s"):
            if getattr(self, name) < 0:
                raise BadSettingsError(f"{name}: must not be negative")
        self.pace.check()
