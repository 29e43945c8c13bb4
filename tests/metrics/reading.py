"""Reads a registry the way Prometheus does: as text, parsed by an independent reader."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


def families(registry: CollectorRegistry) -> list[Metric]:
    """Every family of the exposition; the _created twins left out."""
    text = generate_latest(registry).decode()
    return [family for family in text_string_to_metric_families(text) if not family.name.endswith("_created")]


def samples(registry: CollectorRegistry) -> Iterator[Sample]:
    """Every sample of the exposition."""
    return (sample for family in families(registry) for sample in family.samples)


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    """One series' value; None when it is not there."""
    found = [sample.value for sample in samples(registry) if sample.name == name and sample.labels == labels]
    assert len(found) <= 1
    return found[0] if found else None
