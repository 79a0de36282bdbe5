"""Deliveries per second: whole SMTP transactions, each counted when its 250 has come."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.clients.messages import message
from bench.clients.wire import Line, Server, smtp_session, spread

TAKEN_AT_ONCE = 10  # messages that a sender takes from the common supply


@dataclass(frozen=True, slots=True)
class _Load:
    sender: str
    to: str
    size: int
    per_connection: int
    numbers: Iterator[int]


async def measure(
    server: Server, *, sender: str, to: str, messages: int, sessions: int, size: int, per_connection: int
) -> dict[str, object]:
    """`messages` transactions over `sessions` connections at a time, `per_connection` on each."""
    load = _Load(sender, to, size, per_connection, iter(range(messages)))
    latencies: list[float] = []
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(sessions):
            group.create_task(_send(server, load, latencies))
    elapsed = time.perf_counter() - began
    return {
        "what": "deliveries",
        "messages": messages,
        "sessions": sessions,
        "octets": size,
        "per_second": round(messages / elapsed, 1),
        "transaction": spread(latencies),
    }


async def _send(server: Server, load: _Load, latencies: list[float]) -> None:
    while numbers := list(itertools.islice(load.numbers, min(load.per_connection, TAKEN_AT_ONCE))):
        line = await smtp_session(server)
        taken = 0
        while numbers:
            for number in numbers:
                octets = message(number, load.size, load.sender, load.to)
                began = time.perf_counter()
                await transaction(line, load.sender, load.to, octets)
                latencies.append(time.perf_counter() - began)
            taken += len(numbers)
            numbers = list(itertools.islice(load.numbers, min(load.per_connection - taken, TAKEN_AT_ONCE)))
        await line.ask(b"QUIT", b"221")
        await line.close()


async def transaction(line: Line, sender: str, to: str, octets: bytes) -> None:
    """One message, its envelope pipelined as RFC 2920 allows."""
    line.writer.write(b"MAIL FROM:<%s>\r\nRCPT TO:<%s>\r\nDATA\r\n" % (sender.encode(), to.encode()))
    await line.expect(b"250")
    await line.expect(b"250")
    await line.expect(b"354")
    line.writer.write(octets + b".\r\n")
    await line.writer.drain()
    await line.expect(b"250")
