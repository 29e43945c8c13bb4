"""Everything an operator can set about the registry.

Read once, at the start of a command, from A2P_REGISTRY_* variables; an option of the command wins over its variable.
Nothing else reads the environment.

Not here: what belongs to one import only (importer.py, ImportOptions).
"""

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
    http_host: str = "127.0.0.1"
    #: Port of the registry's HTTP API; 0 lets the system choose.
    http_port: int = Field(default=8081, ge=0, le=65535)
    admin_host: str = "127.0.0.1"
    #: Port of /metrics, /healthz and /readyz; 0 lets the system choose.
    admin_port: int = Field(default=8092, ge=0, le=65535)
    #: debug, info, warning or error.
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    def sql_url(self) -> str:
        """Return the URL of the database in use."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir.absolute() / 'registry.db'}"
