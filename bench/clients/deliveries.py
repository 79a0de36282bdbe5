"""Deliveries per second: whole SMTP or LMTP transactions, each counted when its 250 has come."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from dataclasses import dataclass

from bench.clients.messages import message
from bench.clients.supply import Supply
from bench.clients.wire import Line, Server, reply, reply_to, smtp_session, spread


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent: `count` messages of about `size` octets, or as many as fit into `seconds`, over
    `sessions` connections at a time with at most `per_connection` on each."""

    sender: str
    to: str
    count: int
    sessions: int
    size: int
    per_connection: int = 1_000_000
    seconds: float = float("inf")


async def measure(server: Server, load: Load) -> dict[str, object]:
    """Send it all. Raises Unexpected at the first refusal."""
    supply = Supply(load.count, load.seconds)
    latencies: list[float] = []
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(load.sessions):
            group.create_task(_send(server, load, supply, latencies))
    elapsed = time.perf_counter() - began
    return {
        "what": "deliveries",
        "messages": len(latencies),
        "sessions": load.sessions,
        "octets": load.size,
        "per_connection": load.per_connection,
        "per_second": round(len(latencies) / elapsed, 1),
        "transaction": spread(latencies),
    }


async def _send(server: Server, load: Load, supply: Supply, latencies: list[float]) -> None:
    """One session after the other. A session is opened only when there is a message for it."""
    for number in supply:
        with closing(await smtp_session(server)) as line:
            await _timed(line, load, number, latencies)
            for _, other in zip(range(load.per_connection - 1), supply, strict=False):
                await _timed(line, load, other, latencies)
            await reply_to(line, b"QUIT", b"221")


async def _timed(line: Line, load: Load, number: int, latencies: list[float]) -> None:
    octets = message(number, load.size, load.sender, load.to)
    began = time.perf_counter()
    await transaction(line, load.sender, load.to, octets)
    latencies.append(time.perf_counter() - began)


async def transaction(line: Line, sender: str, to: str, octets: bytes) -> None:
    """One message, its envelope pipelined as RFC 2920 allows. Returns when its 250 has come."""
    line.send(b"MAIL FROM:<%s>\r\nRCPT TO:<%s>\r\nDATA\r\n" % (sender.encode(), to.encode()))
    for code in (b"250", b"250", b"354"):
        await reply(line, code)
    line.send(octets + b".\r\n")
    await reply(line, b"250")
