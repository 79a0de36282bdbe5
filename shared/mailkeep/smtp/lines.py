"""Command lines out of a stream of octets, with a limit that holds while they arrive.

A line ends at LF. One whose CR is missing, or that holds a CR elsewhere, is an error to answer rather than
a command to obey (RFC 5321 section 2.3.8): but it is one line, so that a peer with other habits is told so
instead of waiting for ever. A line past its limit is discarded as it arrives and reported when it ends.
Either of them, if it begins with BDAT, is the end: octets of a message follow it, nobody knows how many.
"""

from __future__ import annotations

from mailkeep.smtp.errors import AuthenticationLineTooLong, BareLineEnd, ChunkSyntax, LineTooLong

COMMAND_LINE_LIMIT = 2048  # octets with CRLF: RFC 5321 section 4.5.3.1.4 has 512, and extensions add to it
BURL_LINE_LIMIT = 4096 + 64  # the longest URL that is read, and the command around it
AUTH_LINE_LIMIT = 32 * 1024  # RFC 4954 section 4 asks for 12,288; 16 KiB of token are 22 KiB of base64

_LIMITS = {b"AUTH ": AUTH_LINE_LIMIT, b"BURL ": BURL_LINE_LIMIT}


class LineReader:
    """Octets in, lines out. `pending` is what has arrived and was not taken yet."""

    __slots__ = ("_allowed", "_at", "_auth", "_octets", "_skipping", "_verb")

    def __init__(self) -> None:
        self._octets = b""
        self._at = 0
        self._skipping = False
        self._auth = False
        self._verb = b""
        self._allowed = COMMAND_LINE_LIMIT

    @property
    def pending(self) -> int:
        """Octets that wait to be taken."""
        return len(self._octets) - self._at

    def feed(self, octets: bytes) -> None:
        """Append octets from the wire."""
        self._octets = self._octets[self._at :] + octets if self.pending else octets
        self._at = 0

    def take(self, limit: int | None = None) -> bytes:
        """What waits, as it came, or its first `limit` octets."""
        if limit is not None and limit < self.pending:
            start = self._at
            self._at += limit
            return self._octets[start : self._at]
        rest = self._octets[self._at :] if self._at else self._octets
        self.discard()
        return rest

    def discard(self) -> int:
        """Forget what waits (RFC 3207 section 4.2); returns how many octets that were."""
        dropped = self.pending
        self._octets = b""
        self._at = 0
        self._skipping = False
        return dropped

    def next_line(self, limit: int | None = None) -> bytes | None:
        """The next line without its CRLF, None if it has not ended yet.

        Without `limit` it is a command line, where AUTH and BURL may be longer than the others. Raises
        LineTooLong, BareLineEnd and ChunkSyntax; the line is consumed then.
        """
        end = self._octets.find(b"\n", self._at)
        if end >= 0 and not self._skipping:
            line = self._octets[self._at : end + 1]
            if _is_ordinary(line, limit or COMMAND_LINE_LIMIT):
                self._at = end + 1
                return line[:-2]
        return self._next_unusual(end, limit)

    def _next_unusual(self, end: int, limit: int | None) -> bytes | None:
        """One that has not ended yet, or is not as every command may be."""
        if not self._skipping and self.pending:
            self._verb = b"" if limit else self._octets[self._at : self._at + 5].upper()
            self._auth = limit is not None or self._verb == b"AUTH "
            self._allowed = _LIMITS.get(self._verb, COMMAND_LINE_LIMIT)
        allowed = limit or self._allowed
        if end < 0:
            if self.pending > allowed or self._skipping:
                self.discard()
                self._skipping = True
            return None
        line = self._octets[self._at : end + 1]
        self._at = end + 1
        if self._skipping or len(line) > allowed:
            self._skipping = False
            self._check_readable()
            raise self._too_long(allowed)
        if not _is_ordinary(line, allowed):
            self._check_readable()
            raise BareLineEnd("A line ends in CRLF, and CR stands nowhere else in it.")
        return line[:-2]

    def _check_readable(self) -> None:
        if self._verb.startswith(b"BDAT"):
            raise ChunkSyntax("The BDAT line cannot be read; closing the connection.")

    def _too_long(self, allowed: int) -> LineTooLong:
        kind = AuthenticationLineTooLong if self._auth else LineTooLong
        return kind(f"The line is longer than {allowed} octets.")


def _is_ordinary(line: bytes, limit: int) -> bool:
    return len(line) <= limit and line.endswith(b"\r\n") and line.count(b"\r") == 1
