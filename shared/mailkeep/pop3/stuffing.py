"""Byte-stuffing of a message on its way out (RFC 1939 section 3), for a stream cut anywhere.

A line begins after CRLF, and only there: a bare LF inside a message is content and stays as it is. What
is known across chunks is whether the last one ended a line, ended with CR, or neither.
"""

from __future__ import annotations

import re
from enum import Enum

from mailkeep.pop3.replies import END

_LAST_LINE_END = b"\r\n" + END
_DOT_AFTER_LF = re.compile(rb"\n\.")


class _Place(Enum):
    LINE_START = 0
    AFTER_CR = 1
    WITHIN = 2


class DotStuffer:
    """One message: `feed` its chunks in order, then `finish`."""

    __slots__ = ("_place",)

    def __init__(self) -> None:
        self._place = _Place.LINE_START

    def feed(self, chunk: bytes) -> bytes:
        """The chunk with a dot before each dot that opens a line."""
        if not chunk:
            return chunk
        stuffed = chunk.replace(b"\r\n.", b"\r\n..")
        if self._place is _Place.LINE_START and chunk.startswith(b"."):
            stuffed = b"." + stuffed
        elif self._place is _Place.AFTER_CR and chunk.startswith(b"\n."):
            stuffed = b"\n." + stuffed[1:]
        self._place = self._after(chunk)
        return stuffed

    def finish(self) -> bytes:
        """What ends the reply: the CRLF that the message may lack, and the termination octet."""
        return END if self._place is _Place.LINE_START else b"\r\n" + END

    def _after(self, chunk: bytes) -> _Place:
        if chunk.endswith(b"\r\n") or (chunk == b"\n" and self._place is _Place.AFTER_CR):
            return _Place.LINE_START
        return _Place.AFTER_CR if chunk.endswith(b"\r") else _Place.WITHIN


def stuffed_parts(message: bytes) -> tuple[bytes, ...]:
    """A whole message as `feed` and `finish` would send it, in parts to be joined. Few messages have a
    line that begins with a dot, and to search for one takes half the time of replacing none."""
    end = END if message.endswith(b"\r\n") or not message else _LAST_LINE_END
    if _DOT_AFTER_LF.search(message):
        message = message.replace(b"\r\n.", b"\r\n..")
    if message.startswith(b"."):
        return b".", message, end
    return message, end
