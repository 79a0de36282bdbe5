"""How long commands take, by their names: how many, their seconds together, and which of late were slow.

It is counted in plain dictionaries, because every command of every session comes by here, and made into
Prometheus' form when somebody reads. Names are words of our code: a command that nobody knows has none. A
slow one is kept with its session, by which the log and `mailkeep audit` tell whose it was; never with its
arguments. Waiting for a client that takes its answer slowly counts: the session is not free meanwhile.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, Metric, SummaryMetricFamily

from mailkeep.observe import correlation
from mailkeep.observe.metrics import REGISTRY

SLOW_LIMIT = 50  # slow commands remembered, the latest
_clock = time.perf_counter


@dataclass(frozen=True, slots=True)
class Slow:
    """One that took long. `at` is when it ended, in seconds since 1970."""

    at: float
    seconds: float
    command: str
    session: str


class Timings:
    """Of one process. `slow_seconds` is from where on a command is slow."""

    def __init__(self, slow_seconds: float) -> None:
        self.slow_seconds = slow_seconds
        self.slow: deque[Slow] = deque(maxlen=SLOW_LIMIT)
        self._seconds: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self._slow_counts: dict[str, int] = {}

    def note(self, command: str, seconds: float, count: int = 1, session: str = "") -> None:
        """One has been carried out, or refused; or a run of them at once. `session` is the one at hand unless
        given."""
        try:
            self._counts[command] += count
            self._seconds[command] += seconds
        except KeyError:
            self._counts[command] = count
            self._seconds[command] = seconds
        if seconds >= self.slow_seconds:
            self.slow.append(Slow(time.time(), seconds, command, session or correlation.current_session()))
            self._slow_counts[command] = self._slow_counts.get(command, 0) + 1

    def describe(self) -> Iterable[Metric]:
        """For the registry, which would otherwise ask for the numbers to learn the names."""
        yield self._summary()
        yield self._slow_counter()

    def collect(self) -> Iterable[Metric]:
        """As Prometheus has it."""
        summary, counter = self._summary(), self._slow_counter()
        for command, count in self._counts.items():
            summary.add_metric([command], count_value=count, sum_value=self._seconds[command])
            counter.add_metric([command], self._slow_counts.get(command, 0))
        yield summary
        yield counter

    @staticmethod
    def _summary() -> SummaryMetricFamily:
        told = "From a command's last octet to its answer; requests of the API by route."
        return SummaryMetricFamily("mailkeep_command_seconds", told, labels=["command"])

    @staticmethod
    def _slow_counter() -> CounterMetricFamily:
        told = "Those of them that took [metrics] slow_command_seconds or longer."
        return CounterMetricFamily("mailkeep_slow_commands", told, labels=["command"])


class timed:  # noqa: N801  used as a statement: `with timed("IMAP FETCH"):`
    """Times what is within."""

    __slots__ = ("_began", "_command")

    def __init__(self, command: str) -> None:
        self._command = command

    def __enter__(self) -> None:
        self._began = _clock()

    def __exit__(self, *_: object) -> None:
        TIMINGS.note(self._command, _clock() - self._began)


TIMINGS = Timings(slow_seconds=0.5)
REGISTRY.register(TIMINGS)
