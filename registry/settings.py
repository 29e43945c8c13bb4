"""Everything an operator can set about the registry.

Read once, at the start of a command, from A2P_REGISTRY_* variables; an option of the command wins over its variable.
Nothing else reads the environment.

Not here: what belongs to one import only (importer.py, ImportOptions).
"""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """The settings of a registry process. Frozen: a running process does not change its mind."""

    model_config = SettingsConfigDict(env_prefix="A2P_REGISTRY_", frozen=True, extra="ignore")

    #: Where the embedded database lives; made when it is not there, readable by its owner only.
    data_dir: Path = Path("var")
    #: SQLAlchemy URL of the database; empty means SQLite in data_dir. May hold a password, so it is never shown.
    database_url: str = Field(default="", repr=False)
    #: The registry store: redis://, rediss:// or unix://. A copy that can be rebuilt from SQL. May hold a password.
    registry_url: str = Field(default="redis://127.0.0.1:6380/0", pattern=r"^(rediss?|unix)://", repr=False)
    #: The queue store, whose journal becomes the ledger; the registry only reads it. Empty: there is no ledger to keep.
    queue_url: str = Field(default="", pattern=r"^$|^(rediss?|unix)://", repr=False)
    #: SQLAlchemy URL of the ledger's own database; empty means SQLite in data_dir. May hold a password.
    ledger_url: str = Field(default="", repr=False)
    #: Days that the ledger keeps what people wrote, from when a message was taken; of one-time codes; decision records;
    #: changes of status; refused messages with all that belongs to them; everything about a message.
    ledger_texts_days: int = Field(default=30, ge=1, le=36_500)
    ledger_codes_days: int = Field(default=1, ge=1, le=36_500)
    ledger_decisions_days: int = Field(default=1_461, ge=1, le=36_500)
    ledger_events_days: int = Field(default=400, ge=1, le=36_500)
    ledger_refusals_days: int = Field(default=400, ge=1, le=36_500)
    ledger_messages_days: int = Field(default=1_461, ge=1, le=36_500)
    http_host: str = "127.0.0.1"
    #: Port of the registry's HTTP API; 0 lets the system choose.
    http_port: int = Field(default=8081, ge=0, le=65535)
    admin_host: str = "127.0.0.1"
    #: Port of /metrics, /healthz and /readyz; 0 lets the system choose.
    admin_port: int = Field(default=8092, ge=0, le=65535)
    #: How many numbers a campaign may hold without a number pool: 49 is T-Mobile's limit, 48 what some platforms set.
    numbers_per_campaign: int = Field(default=49, ge=1)
    #: Admin keys may say themselves what TCR, carriers and the aggregator decided (along the life cycles only): for a
    #: registry that is connected to none of them, and for demos.
    states_by_hand: bool = False
    #: The aggregator's number API; empty: numbers are not provisioned, and what is wished for waits.
    aggregator_url: str = Field(default="", pattern=r"^(https?://.*)?$")
    #: What we show it: Authorization: Bearer <key>.
    aggregator_key: str = Field(default="", repr=False)
    #: Standard Webhooks secrets (whsec_...) that its events may be signed with; several during a rotation.
    aggregator_hook_secrets: tuple[str, ...] = Field(default=(), repr=False)
    #: Calls a second that it takes from us: reads, and additions and removals.
    aggregator_reads_per_s: float = Field(default=20.0, gt=0)
    aggregator_writes_per_s: float = Field(default=2.0, gt=0)
    #: Seconds after which a number that is still pending there counts as failed; it is looked after all the same.
    provisioning_patience_s: float = Field(default=48 * 3600.0, gt=0)
    #: Seconds that carriers have to see a number; after that it is switched off and on, once.
    provisioning_grace_s: float = Field(default=24 * 3600.0, gt=0)
    #: Seconds until a pending number is looked at again, at first; the pauses grow to an hour.
    provisioning_poll_s: float = Field(default=30.0, gt=0)
    #: TCR's CSP API, such as https://csp-api.campaignregistry.com/v2; empty: nothing is asked, and what is due waits.
    tcr_url: str = Field(default="", pattern=r"^(https?://.*[^/])?$")
    #: API key and secret of our account at TCR; the secret signs its webhooks, too.
    tcr_key: str = Field(default="", repr=False)
    tcr_secret: str = Field(default="", repr=False)
    #: Our address for TCR's webhooks (.../hooks/tcr), exactly as TCR is to use it; empty: none are taken.
    tcr_hook_url: str = Field(default="", pattern=r"^(https?://.*)?$")
    #: The connectivity partner (CNP) at TCR that campaigns are shared with.
    tcr_upstream: str = ""
    #: The gateway, which carries notices to admins as instant messages.
    gateway_url: str = Field(default="http://127.0.0.1:8080", pattern=r"^https?://[^\s/?#]+/?$")
    #: Companies' hooks for notices may be on this machine, and without TLS there: for demos.
    allow_private_hooks: bool = False
    #: The console's address for browsers, such as https://console.example.com; with https its cookies want TLS.
    console_url: str = Field(default="http://127.0.0.1:8081", pattern=r"^https?://[^\s/?#]+/?$")
    #: Networks of the proxies before the console, whose X-Forwarded-For is believed, such as ["10.0.0.0/8"].
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    #: The gateway's address for browsers (its A2P_WEB_ORIGINS has the console's); empty: the console's own.
    browser_gateway_url: str = Field(default="http://127.0.0.1:8080", pattern=r"^$|^https?://[^\s/?#]+/?$")
    #: An OpenID Connect provider that people may sign in with, such as https://login.example.com; empty: none.
    oidc_issuer: str = Field(default="", pattern=r"^$|^https?://[^\s?#]+[^\s?#/]$")
    oidc_client_id: str = ""
    oidc_client_secret: str = Field(default="", repr=False)
    #: debug, info, warning or error.
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    def sql_url(self) -> str:
        """Return the URL of the database in use."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir.absolute() / 'registry.db'}"

    def ledger_sql_url(self) -> str:
        """Return the URL of the ledger's database."""
        return self.ledger_url or f"sqlite+aiosqlite:///{self.data_dir.absolute() / 'ledger.db'}"
