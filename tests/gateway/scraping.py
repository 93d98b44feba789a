"""Reads metrics as Prometheus does: with the parser of its client library."""

import prometheus_client
from prometheus_client import exposition
from prometheus_client.parser import text_string_to_metric_families

from respcache.gateway.figures import Figures
from respcache.gateway.metric_families import Snapshot
from respcache.gateway.metrics import Collector
from tests.gateway.live import Live

Samples = dict[str, dict[tuple[tuple[str, str], ...], float]]


def scrape(live: Live) -> Samples:
    """Return all samples of a server, by name and labels."""
    collector = Collector(prometheus_client, Snapshot(live.node, live.gateway, Figures(live.node)))
    return samples_in(exposition.generate_latest(collector).decode())


def samples_in(text: str) -> Samples:
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name][tuple(sorted(labels.items()))]
