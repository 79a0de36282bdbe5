"""The numbers of several processes of one host as those of one: counts are added, what is one thing is not.

A gauge that all processes read off the same store (the queue, the outbox) or the same file is the largest
that one of them says, as is readiness; everything else, connections, sessions, memory, counts, is the sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families

SAME_FOR_ALL = frozenset(
    {
        "mailkeep_build",
        "mailkeep_ready",
        "mailkeep_outbox_notifications",
        "mailkeep_queue_recipients",
        "mailkeep_queue_oldest_seconds",
        "mailkeep_certificate_expiry_timestamp_seconds",
        "process_start_time_seconds",
        "process_max_fds",
    }
)

_Place = tuple[str, tuple[tuple[str, str], ...]]


def gathered(expositions: Sequence[str], ready: int, wanted: int) -> bytes:
    """What all of them say, and how many workers there are."""
    workers = GaugeMetricFamily("mailkeep_workers", "Worker processes, ready and wanted.", labels=["state"])
    workers.add_metric(["ready"], ready)
    workers.add_metric(["wanted"], wanted)
    registry = CollectorRegistry()
    registry.register(_Collected([*_merged(expositions), workers]))
    text: bytes = generate_latest(registry)
    return text


class _Collected:
    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families

    def describe(self) -> Iterable[Metric]:
        return ()


def _merged(expositions: Sequence[str]) -> list[Metric]:
    families: dict[str, Metric] = {}
    values: dict[str, dict[_Place, float]] = {}
    for text in expositions:
        for family in text_string_to_metric_families(text):
            families.setdefault(family.name, family)
            known = values.setdefault(family.name, {})
            for sample in family.samples:
                if sample.name.endswith("_created"):
                    continue  # of no sum
                place = (sample.name, tuple(sample.labels.items()))
                before = known.get(place)
                if before is None:
                    known[place] = sample.value
                elif family.name in SAME_FOR_ALL:
                    known[place] = max(before, sample.value)
                else:
                    known[place] = before + sample.value
    return [_family(families[name], values[name]) for name in families]


def _family(like: Metric, values: dict[_Place, Any]) -> Metric:
    made = Metric(like.name, like.documentation, like.type, like.unit)
    for (name, labels), value in values.items():
        made.add_sample(name, dict(labels), value)
    return made
