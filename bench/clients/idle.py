"""IDLE: how soon a reader hears of a message that another process took in."""

from __future__ import annotations

import asyncio
import time

from bench.clients.deliveries import transaction
from bench.clients.messages import message
from bench.clients.wire import Line, Server, imap_session, smtp_session, spread


async def measure(
    imap: Server, smtp: Server, *, sender: str, to: str, messages: int, pause: float
) -> dict[str, object]:
    """Milliseconds from SMTP's 250 to `* n EXISTS` (negative: heard before), and from the final dot."""
    reader = await imap_session(imap)
    reader.writer.write(b"s SELECT INBOX\r\n")
    await reader.until(b"s OK")
    await reader.ask(b"i IDLE", b"+")
    writer = await smtp_session(smtp)
    after_250, after_dot = [], []
    for number in range(messages):
        await asyncio.sleep(pause)
        heard = asyncio.create_task(_exists(reader))
        sent = time.perf_counter()
        await transaction(writer, sender, to, message(number, 1000, sender, to))
        accepted = time.perf_counter()
        moment = await heard
        after_250.append(moment - accepted)
        after_dot.append(moment - sent)
    await reader.close()
    await writer.close()
    return {
        "what": "idle",
        "messages": messages,
        "from_250_to_exists": spread(after_250),
        "from_mail_to_exists": spread(after_dot),
    }


async def _exists(reader: Line) -> float:
    while not (await reader.read()).endswith(b" EXISTS"):
        pass
    return time.perf_counter()
