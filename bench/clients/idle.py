"""IDLE: how soon a reader hears of a message that another process took in."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing

from bench.clients.appends import select
from bench.clients.deliveries import transaction
from bench.clients.messages import message
from bench.clients.wire import WAIT_SECONDS, Line, Server, imap_session, smtp_session, spread


async def measure(
    imap: Server, smtp: Server, *, sender: str, to: str, messages: int, pause: float
) -> dict[str, object]:
    """Milliseconds from SMTP's 250 to `* n EXISTS` (negative: heard before), and from MAIL."""
    after_250, after_mail = [], []
    with closing(await imap_session(imap)) as reader, closing(await smtp_session(smtp)) as writer:
        held = await select(reader, "INBOX")
        await reader.ask(b"i IDLE", b"+")
        for number in range(messages):
            await asyncio.sleep(pause)
            heard = asyncio.create_task(_exists(reader, held + number + 1))
            began = time.perf_counter()
            await transaction(writer, sender, to, message(number, 1000, sender, to))
            accepted = time.perf_counter()
            moment = await asyncio.wait_for(heard, WAIT_SECONDS)
            after_250.append(moment - accepted)
            after_mail.append(moment - began)
    return {
        "what": "idle",
        "messages": messages,
        "from_250_to_exists": spread(after_250),
        "from_mail_to_exists": spread(after_mail),
    }


async def _exists(reader: Line, count: int) -> float:
    """The moment when the reader knows of so many messages."""
    expected = b"* %d EXISTS" % count
    while await reader.read() != expected:
        pass
    return time.perf_counter()
