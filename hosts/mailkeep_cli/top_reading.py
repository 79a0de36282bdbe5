"""What one host says of itself at one moment: read from /metrics, /health/ready and /slow, into numbers.

A host with workers answers with its sums, so nothing here knows of workers but their count. What a host says
is from outside: it is read up to a limit, and what is not as it should be counts as no answer.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

from mailkeep.net.listen import Endpoint
from mailkeep.observe import slow_list
from mailkeep.observe.timed import Slow

SECONDS = 4.0  # for one answer; a host gives its database three to answer
ANSWER_LIMIT = 4 * 1024 * 1024  # octets
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer. `at` is of the monotonic clock; `objection` is why the host is not ready, "" if it is."""

    at: float
    host: str
    objection: str
    values: dict[tuple[str, Labels], float] = field(repr=False)
    slow: Sequence[Slow] = ()

    def value(self, name: str, **labels: str) -> float:
        """One sample; 0 if there is none."""
        return self.values.get((name, tuple(sorted(labels.items()))), 0.0)

    def total(self, name: str, **labels: str) -> float:
        """The sum of all samples of that name that have these labels."""
        wanted = set(labels.items())
        return sum(value for (one, has), value in self.values.items() if one == name and wanted <= set(has))

    def by(self, name: str, label: str) -> dict[str, float]:
        """Samples of that name, by their value of one label."""
        return {dict(labels)[label]: value for (one, labels), value in self.values.items() if one == name}


@dataclass(frozen=True, slots=True)
class Silence:
    """A host that gave no answer that can be used, and why, in a sentence."""

    reason: str


def read_all(endpoints: Sequence[Endpoint]) -> list[Reading | Silence]:
    """All of them at once, in their order."""
    with ThreadPoolExecutor(len(endpoints)) as pool:
        return list(pool.map(read, endpoints))


def read(endpoint: Endpoint) -> Reading | Silence:
    """One host."""
    try:
        status, text = _get(endpoint, "/metrics")
        if status != 200:
            return Silence(f"It answers {status}.")
        at, values = time.monotonic(), _samples(text.decode())
        status, health = _get(endpoint, "/health/ready")
        objection = "" if status == 200 else str(json.loads(health)["status"])
        _, slow = _get(endpoint, "/slow")
        return Reading(at, _name(values), objection, values, slow_list.decode(slow))
    except (OSError, http.client.HTTPException) as error:
        return Silence(
            "Nothing listens there." if isinstance(error, ConnectionRefusedError) else "No answer."
        )
    except (ValueError, KeyError, TypeError):
        return Silence("What answers is no Mailkeep host of this version.")


def _get(endpoint: Endpoint, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(ANSWER_LIMIT)
    finally:
        connection.close()


def _samples(text: str) -> dict[tuple[str, Labels], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _name(values: dict[tuple[str, Labels], float]) -> str:
    """Raises KeyError if it is no host of ours."""
    for name, labels in values:
        if name == "mailkeep_build_info":
            return dict(labels)["host"]
    raise KeyError("mailkeep_build_info")
