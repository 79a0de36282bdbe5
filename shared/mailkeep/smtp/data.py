"""The octets after DATA, as a machine: fed in any pieces, it gives back the message without its stuffing.

Only CRLF "." CRLF ends a message, and the message may begin with "." CRLF (RFC 5321 section 4.1.1.4). A
CR or LF on its own never ends a line here and is reported, because a peer that disagrees about line ends is
how one message is smuggled inside another. Past the size limit everything is read and nothing kept, so
that the reply comes where the client waits for it. The machine holds back at most four octets.
"""

from __future__ import annotations

import io
import re
from enum import Flag, auto

TEXT_LINE_LIMIT = 1024 * 1024
"""Octets in one line with its CRLF. RFC 5321 section 4.5.3.1.6 asks for 1,000, and real mail has more."""

_END = b"\r\n.\r\n"
_DOTTED = b"\r\n."  # a line that begins with a dot: the end, or stuffed
_DOT_AT_START = re.compile(rb"\.(?<=\r\n\.)")  # looks at dots alone: twice as fast as a search for the three
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


_BARE = {"\r": Defect.BARE_CR, "\n": Defect.BARE_LF}


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


class LineEnds:
    """Which CR and LF stand on their own in a text that comes in pieces: one pass over them."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen = io.IncrementalNewlineDecoder(None, translate=False)

    def feed(self, piece: bytes) -> Defect:
        """The defects of all pieces up to this one; a CR at its end may yet have its LF."""
        self._seen.decode(piece.decode("latin-1"))
        return self._found()

    def finish(self) -> Defect:
        """The defects of the whole text: no more will come."""
        self._seen.decode("", final=True)
        return self._found()

    def _found(self) -> Defect:
        kinds = self._seen.newlines
        if kinds is None or kinds == "\r\n":
            return Defect.NONE
        found = Defect.NONE
        for kind in kinds:  # one of them, or a tuple of several
            found |= _BARE.get(kind, Defect.NONE)
        return found


class DataReader:
    """One message's worth of DATA.

    `max_size` is in octets of the message after unstuffing, final CRLF included. `finished` is True once the
    end has been seen; `trailing` then holds the octets after it, which are the next commands.
    """

    __slots__ = ("_begun", "_ends", "_held", "_lines", "_max_size", "defects", "finished", "size", "trailing")

    def __init__(self, max_size: int, max_line: int = TEXT_LINE_LIMIT) -> None:
        self._max_size = max_size
        self._ends = LineEnds()
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
        dotted = _first_dotted(held)
        end = held.find(_END, dotted) if dotted >= 0 else -1
        if end >= 0:
            self.finished = True
            self.trailing = held[end + len(_END) :]
            self._held = b""
            return self._take(held, end + 2, dotted)
        cut = len(held) - _undecided(held)
        self._held = held[cut:]
        return self._take(held, cut, dotted)

    def _take(self, held: bytes, cut: int, dotted: int) -> bytes:
        """The first `cut` octets hold whole CRLFs and no end: unstuff them, from `dotted` on if that is not
        negative and lies within them, and note their defects."""
        if not cut:
            return b""
        start = 0 if self._begun else 2
        self._begun = True
        if 0 <= dotted <= cut - len(_DOTTED):
            plain = held[:cut].replace(_DOTTED, b"\r\n")[start:]  # RFC 5321 section 4.5.2
        else:
            plain = held[start:cut]
        bare = self._ends.feed(plain)
        if bare is not Defect.NONE:
            self.defects |= bare
        if b"\0" in plain:
            self.defects |= Defect.NUL
        if self._lines.exceeded_by(plain):
            self.defects |= Defect.LINE_TOO_LONG
        self.size += len(plain)
        if self.size > self._max_size:
            self.defects |= Defect.TOO_LARGE
            return b""
        return plain


def _first_dotted(octets: bytes) -> int:
    """Where the first CRLF stands whose next line begins with a dot, or -1."""
    found = _DOT_AT_START.search(octets, 0, octets.rfind(b".") + 1)
    return -1 if found is None else found.end() - len(_DOTTED)


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
