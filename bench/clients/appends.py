"""APPEND: filling mailboxes quickly, and how many a second are taken one by one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing

from bench.clients.messages import message
from bench.clients.supply import Supply
from bench.clients.wire import Line, Server, imap_session, spread

AT_ONCE = 100
"""Messages in one MULTIAPPEND (RFC 3502) when a mailbox is filled."""


async def select(line: Line, mailbox: str) -> int:
    """SELECT; how many messages there are."""
    answers = await line.command(b"s", b'SELECT "%s"' % mailbox.encode())
    return next(int(answer.split()[1]) for answer in answers if answer.endswith(b" EXISTS"))


async def make(line: Line, mailbox: str) -> None:
    """CREATE, unless it is there."""
    line.send(b'c CREATE "%s"\r\n' % mailbox.encode())
    await line.until(b"c ")


async def fill(line: Line, mailbox: str, messages: int, size: int) -> int:
    """Append until the mailbox holds so many. The server has LITERAL+ and MULTIAPPEND."""
    await make(line, mailbox)
    held = await select(line, mailbox)
    for first in range(held, messages, AT_ONCE):
        octets = [message(number, size) for number in range(first, min(first + AT_ONCE, messages))]
        await line.command(b"a", _append(mailbox, octets))
    return await select(line, mailbox)


def _append(mailbox: str, messages: Sequence[bytes]) -> bytes:
    literals = b"".join(b" {%d+}\r\n%s" % (len(octets), octets) for octets in messages)
    return b'APPEND "%s"%s' % (mailbox.encode(), literals)


async def measure(
    server: Server, *, mailboxes: int, count: int, size: int, seconds: float = float("inf")
) -> dict[str, object]:
    """A connection to each mailbox, each message in an APPEND of its own, sent when the last is answered."""
    supply = Supply(count, seconds)
    latencies: list[float] = []
    with ExitStack() as stack:
        lines = []
        for number in range(mailboxes):
            lines.append(stack.enter_context(closing(await imap_session(server))))
            await make(lines[-1], f"Append{number}")
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number, line in enumerate(lines):
                group.create_task(_append_each(line, f"Append{number}", supply, size, latencies))
        elapsed = time.perf_counter() - began
    return {
        "what": "appends",
        "messages": len(latencies),
        "mailboxes": mailboxes,
        "octets": size,
        "per_second": round(len(latencies) / elapsed, 1),
        "append": spread(latencies),
    }


async def _append_each(line: Line, mailbox: str, supply: Supply, size: int, latencies: list[float]) -> None:
    for number in supply:
        command = _append(mailbox, [message(number, size)])
        began = time.perf_counter()
        await line.command(b"a", command)
        latencies.append(time.perf_counter() - began)
