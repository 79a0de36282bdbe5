"""The octets after DATA, as a machine: fed in any pieces, it gives back the message without its stuffing.

Only CRLF "." CRLF ends a message, and the message may begin with "." CRLF (RFC 5321 section 4.1.1.4). A
CR or LF on its own never ends a line here and is reported, because a peer that disagrees about line ends is
how one message is smuggled inside another. Past the size limit everything is read and nothing kept, so
that the reply comes where the client waits for it. The machine holds back at most four octets.
"""

from __future__ import annotations

from enum import Flag, auto

TEXT_LINE_LIMIT = 1024 * 1024
"""Octets in one line with its CRLF. RFC 5321 section 4.5.3.1.6 asks for 1,000, and real mail has more."""

_END = b"\r\n.\r\n"
_LONGEST_HELD = len(_END) - 1
_UNDECIDED = (b"\r\n.\r", b"\r\n.", b"\r\n", b"\r")  # what may yet become the end or a stuffed dot


class Defect(Flag):
    """What is wrong with the octets; several may be."""

    NONE = 0
    BARE_CR = auto()
    BARE_LF = auto()
    NUL = auto()
    LINE_TOO_LONG = auto()
    TOO_LARGE = auto()


class LineMeter:
    """How long lines are, with their CRLF, in a text that comes in pieces."""

    __slots__ = ("_limit", "_line")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._line = 0  # octets of the unfinished line so far

    def exceeded_by(self, piece: bytes) -> bool:
        """Take the next piece; True if a line in it is longer than the limit."""
        if self._line + len(piece) <= self._limit:
            last = piece.rfind(b"\n")
            self._line = self._line + len(piece) if last < 0 else len(piece) - last - 1
            return False
        lines = piece.split(b"\n")
        longest = max(self._line + len(lines[0]), *map(len, lines))
        self._line = len(lines[-1]) if len(lines) > 1 else self._line + len(piece)
        return longest + 1 > self._limit


class DataReader:
    """One message's worth of DATA.

    `max_size` is in octets of the message after unstuffing, final CRLF included. `finished` is True once the
    end has been seen; `trailing` then holds the octets after it, which are the next commands.
    """

    __slots__ = ("_begun", "_held", "_lines", "_max_size", "defects", "finished", "size", "trailing")

    def __init__(self, max_size: int, max_line: int = TEXT_LINE_LIMIT) -> None:
        self._max_size = max_size
        self._lines = LineMeter(max_line)
        self._held = b"\r\n"  # as if a line had just ended: the first one may be the lone dot
        self._begun = False  # the CRLF above is not the message's
        self.defects = Defect.NONE
        self.finished = False
        self.size = 0
        self.trailing = b""

    def feed(self, octets: bytes) -> bytes:
        """Take octets from the wire, give the message's that are certain now; b"" once too large."""
        if self.finished:
            raise ValueError("The message has ended.")
        held = self._held + octets
        end = held.find(_END)
        if end >= 0:
            self.finished = True
            self.trailing = held[end + len(_END) :]
            self._held = b""
            return self._take(held[: end + 2])
        cut = len(held) - _undecided(held)
        self._held = held[cut:]
        return self._take(held[:cut])

    def _take(self, region: bytes) -> bytes:
        """Octets that hold whole CRLFs and no end: note their defects and unstuff them."""
        if not region:
            return b""
        pairs = region.count(b"\r\n")
        if region.count(b"\r") != pairs:
            self.defects |= Defect.BARE_CR
        if region.count(b"\n") != pairs:
            self.defects |= Defect.BARE_LF
        if b"\0" in region:
            self.defects |= Defect.NUL
        plain = region.replace(b"\r\n.", b"\r\n")  # RFC 5321 section 4.5.2
        if not self._begun:
            plain = plain[2:]
            self._begun = True
        if self._lines.exceeded_by(plain):
            self.defects |= Defect.LINE_TOO_LONG
        self.size += len(plain)
        if self.size > self._max_size:
            self.defects |= Defect.TOO_LARGE
        return b"" if Defect.TOO_LARGE in self.defects else plain


def _undecided(octets: bytes) -> int:
    """How many octets at the end may belong to a line end, a stuffed dot or the end of the message."""
    tail = octets[-_LONGEST_HELD:]
    for ending in _UNDECIDED:
        if tail.endswith(ending):
            return len(ending)
    return 0


def stuff(message: bytes) -> bytes:
    """A message as DATA carries it, with the end (RFC 5321 section 4.5.2).

    A last line without CRLF gets one.
    """
    lines = b"\r\n" + message if message.endswith(b"\r\n") or not message else b"\r\n" + message + b"\r\n"
    return lines.replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"
