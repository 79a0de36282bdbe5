"""IMAP logins per second: connect, log in, log out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

from bench.clients.supply import Supply
from bench.clients.wire import Server, imap_session, spread


async def measure(
    server: Server, *, count: int, sessions: int, seconds: float = float("inf"), keys: Sequence[str] = ()
) -> dict[str, object]:
    """`count` whole sessions, or as many as fit into `seconds`, `sessions` at a time.

    All use the server's password, which a server may remember; or each takes another of `keys`.
    """
    supply = Supply(min(count, len(keys)) if keys else count, seconds)
    latencies: list[float] = []
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(sessions):
            group.create_task(_log_in(server, supply, keys, latencies))
    elapsed = time.perf_counter() - began
    return {
        "what": "logins",
        "logins": len(latencies),
        "sessions": sessions,
        "tls": server.tls,
        "distinct_keys": bool(keys),
        "per_second": round(len(latencies) / elapsed, 1),
        "login": spread(latencies),
    }


async def measure_accounts(
    server: Server, accounts: Sequence[tuple[str, str]], *, sessions: int
) -> dict[str, object]:
    """One whole session for each (user, password), `sessions` at a time."""
    waiting = iter(accounts)
    latencies: list[float] = []

    async def work() -> None:
        for user, password in waiting:
            began = time.perf_counter()
            with closing(await imap_session(replace(server, user=user, password=password))) as line:
                latencies.append(time.perf_counter() - began)
                await line.command(b"q", b"LOGOUT")

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(sessions):
            group.create_task(work())
    elapsed = time.perf_counter() - began
    return {
        "what": "logins of distinct accounts",
        "logins": len(latencies),
        "sessions": sessions,
        "tls": server.tls,
        "seconds": round(elapsed, 1),
        "per_second": round(len(latencies) / elapsed, 1),
        "login": spread(latencies),
    }


async def _log_in(server: Server, supply: Supply, keys: Sequence[str], latencies: list[float]) -> None:
    for number in supply:
        began = time.perf_counter()
        with closing(await imap_session(replace(server, password=keys[number]) if keys else server)) as line:
            latencies.append(time.perf_counter() - began)
            await line.command(b"q", b"LOGOUT")
