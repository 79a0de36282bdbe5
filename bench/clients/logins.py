"""IMAP logins per second: connect, log in, log out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from bench.clients.wire import Server, imap_session, spread


async def measure(server: Server, *, logins: int, sessions: int) -> dict[str, object]:
    """`logins` whole sessions, `sessions` at a time."""
    left = iter(range(logins))
    latencies: list[float] = []
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(sessions):
            group.create_task(_log_in(server, left, latencies))
    elapsed = time.perf_counter() - began
    return {
        "what": "logins",
        "logins": logins,
        "sessions": sessions,
        "tls": server.tls,
        "per_second": round(logins / elapsed, 1),
        "login": spread(latencies),
    }


async def _log_in(server: Server, left: Iterator[int], latencies: list[float]) -> None:
    for _ in left:  # one iterator, shared by all
        began = time.perf_counter()
        line = await imap_session(server)
        latencies.append(time.perf_counter() - began)
        line.writer.write(b"q LOGOUT\r\n")
        await line.until(b"q OK")
        await line.close()
