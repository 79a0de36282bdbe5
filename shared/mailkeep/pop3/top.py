"""TOP (RFC 1939 section 7): the header, the blank line, and so many lines of the body.

A line is what CRLF ends, as everywhere in POP3. The cutter takes a message in chunks of any size and says
when it has enough, so that no more of it is read than is sent.
"""

from __future__ import annotations

_BLANK = b"\r\n\r\n"


class TopCutter:
    """One message: `feed` its chunks in order until `done`."""

    __slots__ = ("_in_body", "_lines", "_tail", "done")

    def __init__(self, lines: int) -> None:
        self._lines = lines
        self._tail = b"\r\n"  # a message that opens with a blank line has an empty header
        self._in_body = False
        self.done = False

    def feed(self, chunk: bytes) -> bytes:
        """So much of the chunk as belongs to the answer."""
        if self.done or not chunk:
            return b""
        start = 0 if self._in_body else self._body_start(chunk)
        if not self._in_body:
            return chunk
        end = self._end_of_lines(chunk, start)
        self._tail = chunk[-1:]
        return chunk[:end]

    def _body_start(self, chunk: bytes) -> int:
        """Where in the chunk the body begins; `_in_body` says whether it does."""
        joined = self._tail + chunk[: len(_BLANK) - 1]
        found = joined.find(_BLANK)
        if found >= 0:
            start = found + len(_BLANK) - len(self._tail)
        else:
            found = chunk.find(_BLANK)
            start = found + len(_BLANK)
        self._in_body = found >= 0
        if self._in_body:
            self._tail = b""
            return start
        self._tail = (self._tail + chunk[-3:])[-3:]
        return 0

    def _end_of_lines(self, chunk: bytes, start: int) -> int:
        """Past the last wanted line, or the chunk's end."""
        position = start
        if self._lines and self._tail == b"\r" and chunk[position : position + 1] == b"\n":
            position += 1
            self._lines -= 1
        while self._lines:
            found = chunk.find(b"\r\n", position)
            if found < 0:
                return len(chunk)
            position = found + 2
            self._lines -= 1
        self.done = True
        return position
