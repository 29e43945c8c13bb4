"""Everything an operator can set for the gateway and its workers.

Read once, from A2P_* variables, and checked. Nothing else reads the environment. Contradictions stop the start with a
sentence that names the setting.
"""

import os
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway import failpoints

Port = Annotated[int, Field(ge=0, le=65_535)]
#: As browsers write it: no path, no slash at the end, no name in capitals.
WebOrigin = Annotated[str, Field(pattern=r"^https?://[a-z0-9.:\[\]-]+$")]

#: Hosts of addresses that cannot be another machine's; a unix socket has none.
_THIS_MACHINE: Final = frozenset({None, "127.0.0.1", "::1", "localhost"})


def environment_for_children() -> dict[str, str]:
    """Return our environment without settings: a child gets its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("A2P_")}


class Settings(BaseSettings):
    """Settings of one gateway or worker process."""

    model_config = SettingsConfigDict(env_prefix="A2P_", frozen=True, extra="forbid")

    #: The queue store: must never lose anything (AOF always, noeviction); redis://, rediss:// or unix://.
    queue_url: str = "redis://127.0.0.1:6379/0"
    #: The registry store: a copy of the registry's SQL that can be rebuilt.
    registry_url: str = "redis://127.0.0.1:6380/0"
    #: Documents of numbers kept in memory, about 500 bytes each; others are read when needed.
    near_numbers: Annotated[int, Field(ge=1)] = 100_000
    #: Partitions of the queue; fixed in the store at its first start.
    partitions: Annotated[int, Field(ge=1, le=1_024)] = 4
    #: A shipped policy (current, seed, carrier_actual) or the path of a policy file.
    policy: str = "current"

    #: Where clients and carriers come in.
    host: str = "127.0.0.1"
    #: Several gateways may share it.
    port: Port = 8080
    #: Names that requests may be for, beside the host of A2P_PUBLIC_URL and loopback; *.example.com, or * for all.
    hosts: tuple[str, ...] = ()
    #: Origins of web pages that may use the API, exactly, such as https://console.example.com.
    web_origins: tuple[WebOrigin, ...] = ()
    #: Connections open at once; more are refused.
    max_connections: Annotated[int, Field(ge=1)] = 2_000
    #: Of them one address's (of IPv6 a /64). A load balancer is one address: set it to A2P_MAX_CONNECTIONS behind one.
    max_connections_per_peer: Annotated[int, Field(ge=1)] = 1_000
    #: Seconds for a request's head, from the connection's start or from the head's first byte.
    head_timeout_s: Annotated[float, Field(gt=0)] = 5.0
    #: Seconds that a body may pause, or be behind A2P_BODY_RATE.
    body_timeout_s: Annotated[float, Field(gt=0)] = 5.0
    #: Bytes a second, the slowest for bodies and for the reading of answers.
    body_rate: Annotated[float, Field(gt=0)] = 1_024.0
    #: Seconds that an answer may lie unread.
    answer_timeout_s: Annotated[float, Field(gt=0)] = 30.0
    #: Seconds that a connection may be without a request; 5 when most connections are taken.
    keep_alive_s: Annotated[float, Field(gt=0)] = 60.0
    #: Connections of GET /v1/events at once, which are among A2P_MAX_CONNECTIONS.
    max_event_connections: Annotated[int, Field(ge=0)] = 1_000
    #: Bytes of bodies above 64 KiB in memory at once.
    body_memory: Annotated[int, Field(ge=1)] = 268_435_456
    #: Sends are refused while the oldest one under way has waited for so many seconds for the store.
    shed_wait_s: Annotated[float, Field(gt=0)] = 1.0
    #: Sends are refused while the queue store uses more than this part of its memory; 1 leaves it to the store.
    shed_memory: Annotated[float, Field(gt=0, le=1)] = 0.8
    #: Sends are refused while less than this part of the store's disk (and less than 1 GiB) is free; 0: never. Seen
    #: where the store is on this machine.
    shed_disk_free: Annotated[float, Field(ge=0, lt=1)] = 0.05
    #: Sends are refused while the store's log is larger than so many bytes; 0: never. For stores on other machines.
    shed_log_bytes: Annotated[int, Field(ge=0)] = 0
    #: Sends are refused while the oldest message that no worker has taken is so many seconds old; 0: never.
    shed_backlog_s: Annotated[int, Field(ge=0)] = 3_600

    #: Where /metrics, /healthz and /readyz are; keep it private.
    admin_host: str = "127.0.0.1"
    #: A gateway's own.
    admin_port: Port = 8090
    #: A worker's own.
    worker_admin_port: Port = 8091

    #: The one carrier of this version: its name in routes, labels and receipt addresses.
    carrier_name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")] = "emulator"
    #: Where it takes submissions.
    carrier_url: str = "http://127.0.0.1:8082"
    #: What we show it: Authorization: Bearer <token>.
    carrier_token: SecretStr = SecretStr("carrier-secret")
    #: Standard Webhooks secrets (whsec_...) that its receipts and texts may be signed with; several during a rotation.
    carrier_receipt_secrets: tuple[SecretStr, ...] = ()
    #: Our own address as the carrier reaches it; receipts go to <it>/carriers/<name>/receipts.
    public_url: str = "http://127.0.0.1:8080"
    #: Submissions in flight to the carrier at once.
    carrier_window: Annotated[int, Field(ge=1, le=4_096)] = 64
    #: Messages in one request to the carrier, for carriers that take several; 1 sends each by itself.
    carrier_batch: Annotated[int, Field(ge=1, le=100)] = 1
    #: Longest wait for the carrier's answer.
    carrier_timeout_s: Annotated[float, Field(gt=0, le=120)] = 10.0
    #: Submitted without a receipt for so long becomes unknown.
    receipt_window_s: Annotated[int, Field(ge=1)] = 72 * 60 * 60
    #: Lease of a worker on a partition: so long does a killed worker's work wait for the next.
    lease_ms: Annotated[int, Field(ge=1_000, le=60_000)] = 15_000

    #: Told to stop, a gateway is not ready any more and serves on for so long, until load balancers have noticed.
    pre_stop_s: Annotated[float, Field(ge=0, le=300)] = 5.0
    #: debug, info, warning or error.
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    #: For tests: the process kills itself at <point>:<pass>; refused unless both stores are on this machine.
    failpoint: str = ""

    @field_validator("failpoint")
    @classmethod
    def _failpoint_is_known(cls, value: str) -> str:
        if value:
            failpoints.parse(value)
        return value

    @model_validator(mode="after")
    def _failpoint_hits_nobody_else(self) -> Self:
        """A process that kills itself has no business in production, where stores are on machines of their own."""
        hosts = {urlsplit(url).hostname for url in (self.queue_url, self.registry_url)}
        if self.failpoint and not hosts <= _THIS_MACHINE:
            raise ValueError("failpoint: is for tests, and refused unless both stores are on this machine")
        return self
