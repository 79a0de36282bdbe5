"""From two readings of every host to one sample: what is, and what happens a second.

Counters that have become smaller belong to a host, or a worker of it, that was started again: for that
interval nothing is said. What all hosts read off the same store (the queue, the outbox) is what the one with
the most says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mailkeep_cli.top_reading import Reading, Silence

COMMANDS_SHOWN = 8
SLOW_SHOWN = 8


@dataclass(frozen=True, slots=True)
class HostSample:
    """One host. Rates are a second's; `processor` is 1.0 for one core at work all the time."""

    host: str
    address: str
    state: str  # "ready", or why not
    workers_ready: int
    workers: int
    connections: int
    sessions: int
    deliveries: float
    commands: float
    logins: float
    failures: float
    processor: float
    memory: int


@dataclass(frozen=True, slots=True)
class CommandSample:
    """One command of one host, of those that took the most time."""

    command: str
    rate: float
    mean_seconds: float


@dataclass(frozen=True, slots=True)
class SlowSample:
    """One command of late that took long."""

    ended: datetime
    host: str
    command: str
    seconds: float
    session: str


@dataclass(frozen=True, slots=True)
class Sample:
    """All of it. `seconds` is what the rates are over."""

    at: datetime
    seconds: float
    hosts: Sequence[HostSample]
    waiting: int
    sending: int
    held: int
    oldest_seconds: float
    outbox: int
    commands: Sequence[CommandSample]
    slow: Sequence[SlowSample]


Answers = Sequence[Reading | Silence]


def sample(addresses: Sequence[str], before: Answers, after: Answers) -> Sample:
    """What happened between two rounds of readings."""
    told = [one for one in after if isinstance(one, Reading)]
    pairs = list(zip(addresses, before, after, strict=True))
    queue = {state: _most(told, "mailkeep_queue_recipients", state=state) for state in _STATES}
    return Sample(
        at=datetime.now(UTC),
        seconds=max((_seconds(first, then) for _, first, then in pairs), default=0.0),
        hosts=[_host(*pair) for pair in pairs],
        **{state: int(count) for state, count in queue.items()},
        oldest_seconds=_most(told, "mailkeep_queue_oldest_seconds"),
        outbox=int(_most(told, "mailkeep_outbox_notifications")),
        commands=_commands(pairs),
        slow=_slow(told),
    )


_STATES = ("waiting", "sending", "held")
_Pair = tuple[str, Reading | Silence, Reading | Silence]


def _host(address: str, before: Reading | Silence, now: Reading | Silence) -> HostSample:
    if isinstance(now, Silence):
        return HostSample("?", address, now.reason, 0, 0, 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0)

    def rate(name: str, **labels: str) -> float:
        return _rate(before, now, name, **labels)

    return HostSample(
        host=now.host,
        address=address,
        state=now.objection or "ready",
        workers_ready=int(now.value("mailkeep_workers", state="ready")) or 1,
        workers=int(now.value("mailkeep_workers", state="wanted")) or 1,
        connections=int(now.value("mailkeep_connections")),
        sessions=int(now.value("mailkeep_sessions")),
        deliveries=rate("mailkeep_delivered_messages_total"),
        commands=rate("mailkeep_command_seconds_count"),
        logins=rate("mailkeep_logins_total", outcome="success"),
        failures=rate("mailkeep_logins_total", outcome="failure"),
        processor=rate("process_cpu_seconds_total"),
        memory=int(now.value("process_resident_memory_bytes")),
    )


def _seconds(before: Reading | Silence, now: Reading | Silence) -> float:
    if isinstance(before, Silence) or isinstance(now, Silence):
        return 0.0
    return now.at - before.at


def _rate(before: Reading | Silence, now: Reading, name: str, **labels: str) -> float:
    seconds = _seconds(before, now)
    if isinstance(before, Silence) or seconds <= 0:
        return 0.0
    return _grown(before.total(name, **labels), now.total(name, **labels)) / seconds


def _grown(before: float, now: float) -> float:
    return max(now - before, 0.0)


def _most(told: Sequence[Reading], name: str, **labels: str) -> float:
    return max((one.value(name, **labels) for one in told), default=0.0)


def _commands(pairs: Sequence[_Pair]) -> list[CommandSample]:
    found = []
    for _, before, now in pairs:
        if isinstance(before, Reading) and isinstance(now, Reading):
            found += _commands_of(before, now, _seconds(before, now))
    found.sort(key=lambda one: one.rate * one.mean_seconds, reverse=True)
    return found[:COMMANDS_SHOWN]


def _commands_of(before: Reading, now: Reading, seconds: float) -> list[CommandSample]:
    counts, sums = (f"mailkeep_command_seconds_{what}" for what in ("count", "sum"))
    counted, spent = before.by(counts, "command"), before.by(sums, "command")
    spent_now = now.by(sums, "command")
    found = []
    for command, count in now.by(counts, "command").items():
        done = _grown(counted.get(command, 0.0), count)
        if done and seconds > 0:
            took = _grown(spent.get(command, 0.0), spent_now.get(command, 0.0))
            found.append(CommandSample(command, done / seconds, took / done))
    return found


def _slow(told: Sequence[Reading]) -> list[SlowSample]:
    every = [
        SlowSample(datetime.fromtimestamp(one.at, UTC), host.host, one.command, one.seconds, one.session)
        for host in told
        for one in host.slow
    ]
    return sorted(every, key=lambda one: one.ended, reverse=True)[:SLOW_SHOWN]
