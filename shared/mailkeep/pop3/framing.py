"""Lines out of a stream of octets, each within its limit, in memory that is bounded whatever arrives.

A line ends with LF. One that ends without CR is handed out as an error rather than waited on for ever:
the client reads what is wrong with it. A line past its limit is thrown away as it arrives and reported once,
when its end comes.
"""

from __future__ import annotations

import re

from mailkeep.pop3.errors import BadLineEnd, LineTooLong
from mailkeep.pop3.limits import COMMAND_LINE_LIMIT, SASL_LINE_LIMIT

_COMPACT_AT = 16 * 1024  # octets read but not yet cut off the front of the buffer


class LineBuffer:
    """Octets that have arrived and are not yet read as lines."""

    __slots__ = ("_buffer", "_start", "_too_long")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._start = 0
        self._too_long = False

    def __len__(self) -> int:
        return len(self._buffer) - self._start

    def __bool__(self) -> bool:
        return self._start < len(self._buffer)

    def append(self, octets: bytes) -> None:
        """Add what has arrived. A line that can only be thrown away is not kept."""
        self._buffer += octets
        if len(self._buffer) - self._start > SASL_LINE_LIMIT and self._buffer.find(b"\n", self._start) < 0:
            self._too_long = True
            self._empty()

    def clear(self) -> None:
        """Forget all that is unread, as STLS must (RFC 2595 section 4)."""
        self._empty()
        self._too_long = False

    def next_line(self, *, sasl: bool = False) -> bytes | None:
        """The next line without its CRLF, or None if none is complete.

        `sasl` says that a SASL response is due. Raises LineTooLong, BadLineEnd; the line is consumed.
        """
        end = self._buffer.find(b"\n", self._start)
        if end < 0:
            return None
        line = bytes(self._buffer[self._start : end + 1])
        self._skip_to(end + 1)
        if self._too_long or len(line) > line_limit(line, sasl=sasl):
            self._too_long = False
            raise LineTooLong("The line is too long.")
        if not line.endswith(b"\r\n") or line.find(b"\r", 0, -2) >= 0:
            raise BadLineEnd("A line ends with CRLF, and CR stands nowhere else.")
        return line[:-2]

    def peek(self, pattern: re.Pattern[bytes]) -> bytes:
        """What a pattern of whole lines matches of that which is next; nothing is consumed or checked."""
        if self._too_long:
            return b""
        found = pattern.match(self._buffer, self._start)
        return found[0] if found else b""

    def skip(self, lines: int) -> None:
        """Consume lines that `peek` has shown."""
        position = self._start
        for _ in range(lines):
            position = self._buffer.index(b"\n", position) + 1
        self._skip_to(position)

    def _empty(self) -> None:
        self._buffer.clear()
        self._start = 0

    def _skip_to(self, position: int) -> None:
        if position == len(self._buffer):
            self._empty()
        elif position > _COMPACT_AT:
            del self._buffer[:position]
            self._start = 0
        else:
            self._start = position


def line_limit(line: bytes, *, sasl: bool) -> int:
    """How long this line may be, with its CRLF."""
    if sasl or line[:5].upper() == b"AUTH ":
        return SASL_LINE_LIMIT
    return COMMAND_LINE_LIMIT
