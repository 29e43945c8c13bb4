"""A real Valkey, for what holds the models to the real functions."""

from tests.gateway.conftest import raw, store, valkey, valkey_server

__all__ = ["raw", "store", "valkey", "valkey_server"]
