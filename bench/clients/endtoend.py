"""From the sender's first octet until a reader of the mailbox has been told of every message."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import closing

from bench.clients.appends import select
from bench.clients.deliveries import Load
from bench.clients.deliveries import measure as deliver
from bench.clients.wire import Line, Server, Unexpected, imap_session

POLL_SECONDS = 0.01
PATIENCE_SECONDS = 60.0

_EXISTS = re.compile(rb"\* (\d+) EXISTS")


async def measure(imap: Server, smtp: Server, load: Load) -> dict[str, object]:
    """Messages per second that were sent and can be read. The reader asks by NOOP."""
    with closing(await imap_session(imap)) as reader:
        held = await select(reader, "INBOX")
        began = time.perf_counter()
        taken = await deliver(smtp, load)
        sent = int(str(taken["messages"]))
        await asyncio.wait_for(_readable(reader, held + sent), PATIENCE_SECONDS)
        elapsed = time.perf_counter() - began
        fetched = await reader.command(b"f", b"FETCH %d (UID)" % (held + sent))
    if not any(answer.startswith(b"* ") for answer in fetched):
        raise Unexpected("the last message cannot be read")
    return {
        "what": "end to end",
        "messages": sent,
        "per_second": round(sent / elapsed, 1),
        "accepted_per_second": taken["per_second"],
    }


async def _readable(reader: Line, count: int) -> None:
    held = 0
    while held < count:
        for answer in await reader.command(b"n", b"NOOP"):
            if exists := _EXISTS.match(answer):
                held = int(exists[1])
        await asyncio.sleep(POLL_SECONDS)
    if held > count:
        raise Unexpected(f"{held} messages instead of {count}")
