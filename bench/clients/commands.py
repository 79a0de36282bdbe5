"""Small IMAP commands per second, sent ahead of their answers."""

from __future__ import annotations

import time
from contextlib import closing

from bench.clients.appends import select
from bench.clients.wire import Line, Server, Unexpected, imap_session

AT_ONCE = 500
"""Commands that are sent before the first of their answers is read."""

COMMAND = b"n NOOP\r\n"
ANSWER = b"n OK"


async def measure(server: Server, *, batches: int) -> dict[str, object]:
    """NOOP in INBOX, in batches."""
    with closing(await imap_session(server)) as line:
        await select(line, "INBOX")
        began = time.perf_counter()
        for _ in range(batches):
            await _batch(line)
        elapsed = time.perf_counter() - began
    return {
        "what": "commands",
        "commands": batches * AT_ONCE,
        "per_second": round(batches * AT_ONCE / elapsed, 1),
    }


async def _batch(line: Line) -> None:
    line.send(COMMAND * AT_ONCE)
    answered, rest = 0, b""
    while answered < AT_ONCE:
        *lines, rest = (rest + await line.block()).split(b"\r\n")
        tagged = [answer for answer in lines if not answer.startswith(b"* ")]
        if not all(answer.startswith(ANSWER) for answer in tagged):
            raise Unexpected("NOOP was refused")
        answered += len(tagged)
