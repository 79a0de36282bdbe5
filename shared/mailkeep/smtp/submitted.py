"""What a submission server mends in a header section (RFC 6409 section 8), and nothing else.

Message-ID and Date are added at the header's end if they are missing; Bcc and Resent-Bcc go with all their
lines, since every recipient gets the same octets (RFC 5322 section 3.6.3). All other octets stay as they
came. The header is held back while it arrives, so that a message of any size is mended on its way to
the spool; one past the limit goes through unmended, for whoever refuses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from mailkeep.mime import headers

HEADER_LIMIT = 60 * 1024
"""Octets of header that are held back and looked at; a longer one is refused on submission."""

_BLIND = frozenset({b"bcc", b"resent-bcc"})
_HEADER_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a message gets if it has none: `message_id` without angle brackets, `date` aware."""

    message_id: str
    date: datetime


def defaults_for(identifier: str, hostname: str, received_at: datetime) -> Defaults:
    """A Message-ID nobody else makes (RFC 5322 section 3.6.4): the time, our own id, our name."""
    return Defaults(f"{received_at:%Y%m%d%H%M%S}.{identifier}@{hostname}", received_at)


def mend(header: bytes, defaults: Defaults) -> bytes:
    """A header section, with or without its blank line, as it goes on."""
    kept: list[bytes] = []
    names: set[bytes] = set()
    size = 0
    for name, raw in headers.fields(header):
        size += len(raw)
        lower = name.lower()
        names.add(lower)
        if lower not in _BLIND:
            kept.append(raw)
    if kept and not kept[-1].endswith(b"\n"):  # the message ends within its header
        kept.append(b"\r\n")
    if b"date" not in names:
        kept.append(f"Date: {format_datetime(defaults.date)}\r\n".encode())
    if b"message-id" not in names:
        kept.append(f"Message-ID: <{defaults.message_id}>\r\n".encode())
    return b"".join(kept) + header[size:]


class SubmittedHeader:
    """A message in pieces: `feed` them, then `finish`; what comes back is the message to keep."""

    __slots__ = ("_defaults", "_held", "_limit", "_passed")

    def __init__(self, defaults: Defaults, limit: int = HEADER_LIMIT) -> None:
        self._defaults = defaults
        self._limit = limit
        self._held = bytearray()
        self._passed = False

    def feed(self, octets: bytes) -> bytes:
        """What is certain now: b"" while the header has not ended."""
        if self._passed:
            return octets
        searched = max(0, len(self._held) - len(_HEADER_END) + 1)
        self._held += octets
        end = _header_end(self._held, searched)
        if 0 <= end <= self._limit:
            return self._pass(end)
        return self._pass(0) if len(self._held) > self._limit else b""

    def finish(self) -> bytes:
        """The rest of a message that is all header."""
        return b"" if self._passed else self._pass(len(self._held))

    def _pass(self, end: int) -> bytes:
        """Let go of everything, with the first `end` octets mended."""
        held, self._held, self._passed = bytes(self._held), bytearray(), True
        return mend(held[:end], self._defaults) + held[end:] if end else held


def _header_end(octets: bytearray, searched: int) -> int:
    """How long the header is with its blank line, -1 if that has not come."""
    if octets.startswith(b"\r\n"):
        return 2
    at = octets.find(_HEADER_END, searched)
    return at if at < 0 else at + len(_HEADER_END)
