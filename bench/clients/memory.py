"""Memory per idle connection: resident size of the server's processes before and after many logins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from bench.clients.appends import select
from bench.clients.wire import Line, Server, imap_session

SETTLE_SECONDS = 1.5
LOGINS_AT_A_TIME = 20

Pids = Callable[[], Sequence[int]]


async def measure(server: Server, *, pids: Pids, connections: int) -> dict[str, object]:
    """Log in `connections` times, select INBOX, IDLE. The processes, asked for each time because a server
    may start one for each connection, must be on this machine."""
    with closing(await imap_session(server)) as first:
        await _idle(first)  # what the first connection loads is not the connection's cost
    await asyncio.sleep(SETTLE_SECONDS)
    before = _resident(pids())
    with ExitStack() as stack:
        limit = asyncio.Semaphore(LOGINS_AT_A_TIME)
        await asyncio.gather(*(_idle_within(limit, server, stack) for _ in range(connections)))
        await asyncio.sleep(SETTLE_SECONDS)
        after = _resident(pids())
    return {
        "what": "memory",
        "connections": connections,
        "tls": server.tls,
        "before_kib": before,
        "after_kib": after,
        "kib_per_connection": round((after - before) / connections, 2),
    }


async def _idle_within(limit: asyncio.Semaphore, server: Server, stack: ExitStack) -> None:
    async with limit:
        await _idle(stack.enter_context(closing(await imap_session(server))))


async def _idle(line: Line) -> None:
    await select(line, "INBOX")
    await line.ask(b"i IDLE", b"+")


def _resident(pids: Sequence[int]) -> int:
    """KiB, shared pages counted by their share (Pss). Processes that have ended count nothing."""
    return sum(map(_pss, pids))


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
