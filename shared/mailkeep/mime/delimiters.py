"""Delimiter lines: which line ends a body part, and of which multipart (RFC 2046 section 5.1.1).

It is enough that a line begins with "--" and the boundary; the line that is exactly that is preferred, then
the longest boundary, then the innermost multipart. So boundaries that begin alike, and even equal ones within
each other, are told apart as far as anybody can.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mailkeep.mime.effort import NO_DELIMITER, Effort
from mailkeep.mime.media import BOUNDARY_LIMIT
from mailkeep.mime.octets import Octets, piece

Find = Callable[[bytes, int, int], int]


@dataclass(slots=True)
class OpenMultipart:
    """A multipart whose end has not been seen. `closed` after its close-delimiter, in its epilogue."""

    entity: int
    boundary: bytes
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Delimiter:
    """A line [start, end), its line end included, that belongs to the open multipart at `level`."""

    start: int
    end: int
    level: int
    closing: bool


class DelimiterSearch:
    """The open multiparts, from the outermost in, and the search for the next of their delimiters."""

    def __init__(self, octets: Octets, size: int, eol: bytes, find: Find, effort: Effort) -> None:
        self._octets = octets
        self._size = size
        self._eol = eol
        self._find = find
        self._effort = effort
        self.open: list[OpenMultipart] = []
        self._exact: dict[bytes, int] = {}  # these four are what `_index` says; nothing is open yet
        self._shortest = 0
        self._beginnings: set[bytes] = set()
        self._needle = b""

    def push(self, entity: int, boundary: bytes) -> None:
        """Open a multipart within the others."""
        self.open.append(OpenMultipart(entity, boundary))
        self._index()

    def end(self, level: int, *, closing: bool) -> None:
        """Forget what lies within the multipart at `level`; if `closing`, it takes no more parts."""
        if closing or level + 1 < len(self.open):
            del self.open[level + 1 :]
            self.open[level].closed = closing
            self._index()

    def _index(self) -> None:
        """Prepare the search: what every delimiter begins with, and the open boundaries by their octets."""
        live = [at for at, multipart in enumerate(self.open) if not multipart.closed]
        self._exact = {self.open[at].boundary: at for at in live}  # of equal ones the innermost stays
        self._shortest = min(map(len, self._exact), default=0)
        self._beginnings = {boundary[: self._shortest] for boundary in self._exact}
        common = next(iter(self._beginnings)) if len(self._beginnings) == 1 else b""
        self._needle = self._eol + b"--" + common

    def next(self, start: int, end: int) -> Delimiter | None:
        """The first delimiter line that begins in [start, end); a line begins at `start`, not the first.

        Raises EffortSpent.
        """
        needle = self._needle
        limit = min(end + len(needle), self._size)
        at = start - 1
        while self._exact:
            at = self._find(needle, at, limit)
            if at < 0 or at + 1 >= end:
                return None
            delimiter = self._match(at + 1)
            if delimiter is not None:
                return delimiter
            self._effort.spend(NO_DELIMITER)
            at += 1
        return None

    def _match(self, start: int) -> Delimiter | None:
        begins = start + 2
        if piece(self._octets, begins, begins + self._shortest) not in self._beginnings:
            return None
        line = piece(self._octets, begins, min(begins + BOUNDARY_LIMIT + 4, self._size))
        line = line.partition(self._eol)[0].rstrip(b" \t\r")
        closing = False
        level = self._exact.get(line)
        if level is None and line.endswith(b"--"):
            level = self._exact.get(line[:-2])
            closing = level is not None
        if level is None:
            level, closing = self._match_beginning(line)
        if level is None:
            return None
        return Delimiter(start, self._line_end(start), level, closing)

    def _match_beginning(self, line: bytes) -> tuple[int | None, bool]:
        """The longest open boundary that the line begins with, unless a closed one is all of the line."""
        if any(was.closed and line in (was.boundary, was.boundary + b"--") for was in self.open):
            return None, False
        best = max((known for known in self._exact if line.startswith(known)), key=len, default=None)
        if best is None:
            return None, False
        return self._exact[best], line.startswith(best + b"--")

    def _line_end(self, start: int) -> int:
        at = self._find(self._eol, start, self._size)
        return self._size if at < 0 else at + 1
