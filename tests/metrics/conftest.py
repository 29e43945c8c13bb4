"""Instruments with small closed sets, each on a registry of its own."""

import pytest
from prometheus_client import CollectorRegistry

from metrics.canary import CanaryMetrics
from metrics.gateway import GatewayMetrics
from metrics.near import NearMetrics
from metrics.registry import RegistryMetrics
from metrics.registry_http import RegistryHttpMetrics
from metrics.worker import WorkerMetrics


@pytest.fixture
def registry():
    """An empty registry."""
    return CollectorRegistry()


@pytest.fixture
def gateway(registry):
    """Instruments of a gateway with few words."""
    return GatewayMetrics(
        registry,
        channels=("im", "sms", "mms"),
        verdicts=("allow", "flag", "defer", "block"),
        reasons=("ok_registered", "recipient_opted_out"),
        input_codes=("malformed_json", "missing_field"),
        folded=("applied", "repeated"),
        routes=("/v1/messages", "/v1/messages/{id}"),
    )


@pytest.fixture
def worker(registry):
    """Instruments of a worker with two carriers."""
    return WorkerMetrics(
        registry,
        carriers=("acme", "zeta"),
        lanes=("acme:urgent", "acme:bulk"),
        outcomes=("accepted", "throttled"),
        statuses=("delivered", "failed"),
        reasons=("recipient_opted_out",),
    )


@pytest.fixture
def registry_metrics(registry):
    """Instruments of the registry process."""
    return RegistryMetrics(registry)


@pytest.fixture
def registry_http(registry):
    """Instruments of the registry's public port."""
    return RegistryHttpMetrics(registry)


@pytest.fixture
def near(registry):
    """Instruments of the near cache of a gateway and of a worker."""
    return [NearMetrics(registry, kind) for kind in ("gateway", "worker")]


@pytest.fixture
def canary(registry):
    """Instruments of the canary."""
    return CanaryMetrics(registry)


@pytest.fixture
def everything(gateway, worker, near, registry_metrics, registry_http, canary, registry):
    """All instruments of all processes on one registry: what is true of every metric."""
    return registry
