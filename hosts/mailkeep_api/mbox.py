"""Messages as one mbox file (RFC 4155), quoted as mboxrd, so that a reader can undo it.

Lines end in LF, as that format has it: CRLF becomes LF, and nothing else of the octets changes but the
quoting. Each message is written as it is read, with memory for one piece of it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import datetime

from mailkeep.errors import NotFound
from mailkeep.storage.interface import EmailFilter, EmailRow, Store

ROWS_AT_ONCE = 200

_NOBODY = "MAILER-DAEMON"
_PLAIN_ADDRESS = re.compile(r"[\x21-\x7e]{1,320}\Z")
_QUOTED_AT_START = re.compile(rb">*From ")
_QUOTED = re.compile(rb"(\n>*)(From )")
_UNDECIDED = (b"From", b"Fro", b"Fr", b"F", b"\r")  # what follows decides whether this is a mark
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Quoter:
    """One message's octets, in any pieces, as an mbox holds them."""

    def __init__(self) -> None:
        self._held = b""
        self._open = True  # the line that the next octets belong to holds nothing but ">" so far
        self._end = b""  # the last two octets written

    def feed(self, octets: bytes) -> bytes:
        """What can be written now."""
        text = self._held + octets
        self._held = next((mark for mark in _UNDECIDED if text.endswith(mark)), b"")
        return self._quoted(text[: len(text) - len(self._held)])

    def finish(self) -> bytes:
        """The rest, with the line end that may be missing and the empty line that ends a message."""
        rest = self._quoted(self._held + b"\n" if self._held else b"")
        ended = (self._end + rest).endswith(b"\n")
        return rest + (b"\n" if ended else b"\n\n")

    def _quoted(self, text: bytes) -> bytes:
        text = text.replace(b"\r\n", b"\n")
        quoted = _QUOTED.sub(rb"\1>\2", text)
        if self._open and _QUOTED_AT_START.match(text):
            quoted = b">" + quoted
        last = text[text.rfind(b"\n") + 1 :]
        self._open = not last.strip(b">") and (self._open or b"\n" in text)
        self._end = (self._end + quoted)[-2:]
        return quoted


def separator(row: EmailRow) -> bytes:
    """The line that begins a message: who sent it and when it came, in UTC, as asctime writes it."""
    sender = row.from_address if _PLAIN_ADDRESS.match(row.from_address) else _NOBODY
    return f"From {sender} {asctime(row.received_at)}\n".encode("ascii")


def asctime(at: datetime) -> str:
    """A moment in UTC as the line that begins a message has it."""
    return f"{_DAYS[at.weekday()]} {_MONTHS[at.month - 1]} {at.day:2d} {at:%H:%M:%S} {at.year:04d}"


async def export(store: Store, account_id: int, which: EmailFilter) -> AsyncIterator[bytes]:
    """The file, newest message first. What is deleted while it is written may be missing."""
    after: EmailRow | None = None
    while batch := await store.emails.find(account_id, which, 0, ROWS_AT_ONCE, after):
        after = batch[-1]
        for row in batch:
            async for piece in _message(store, row):
                yield piece


async def _message(store: Store, row: EmailRow) -> AsyncIterator[bytes]:
    try:
        body = await store.messages.body(row.message_id)
    except NotFound:
        return  # deleted since it was found
    quoter = Quoter()
    written = separator(row)
    async for octets in body.chunks():
        written += quoter.feed(octets)
        if len(written) >= 64 * 1024:
            yield written
            written = b""
    yield written + quoter.finish()
