"""FETCH answers, read by the quarter of a megabyte: in the place of the file that imaplib reads from.

imaplib asks its file for every line and every literal, and holds each line against three expressions: with
messages of 4 KB that costs twice what taking them apart does. Here an answer to FETCH is read in one go; all
else imaplib reads through `readline` and `read` as ever. What a server sends is never held beyond a limit: a
line and an answer as a whole have theirs.
"""

from __future__ import annotations

import re
from typing import Any

from mailkeep.upstream.errors import UpstreamCode, UpstreamError, plain

READ_OCTETS = 256 * 1024
LINE_LIMIT = 1024 * 1024  # octets, as imaplib has it
ANSWER_LIMIT = 128 * 1024 * 1024  # octets: twice the largest message, or the list of a million

Row = bytes | tuple[bytes, bytes]
"""A line from the message's number on, or a line up to its literal with that literal: imaplib's pieces."""

_FETCH = re.compile(rb"\* (\d{1,10}) FETCH (?=\()", re.IGNORECASE)
_BESIDE = re.compile(rb"\* (?:(?P<number>\d{1,10}) )?(?P<kind>[A-Za-z-]+)(?: (?P<data>.*))?", re.DOTALL)
_LITERAL = re.compile(rb"\{(\d{1,18})\}\Z")  # RFC 9051 section 4.3


class AnswerReader:
    """What imaplib and IMAPClient ask of a file, and `fetch`. In the connection's thread."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._octets = b""
        self._at = 0
        self._room = 0

    def readline(self, limit: int = LINE_LIMIT) -> bytes:
        """A line with its end; without it at the end of the stream, or if it is longer than `limit`."""
        searched = self._at
        while (found := self._octets.find(b"\n", searched)) < 0:
            searched = len(self._octets) - self._at  # from where `_more` puts the beginning
            if searched >= limit or not self._more():
                break
        size = (found + 1 if found >= 0 else len(self._octets)) - self._at
        return self._take(min(size, limit))

    def read(self, size: int) -> bytes:
        """So many octets, fewer at the end of the stream."""
        held = len(self._octets) - self._at
        if held >= size:
            return self._take(size)
        pieces = [self._take(held)]
        while held < size and (piece := self._sock.recv(min(size - held, READ_OCTETS))):
            pieces.append(piece)
            held += len(piece)
        return b"".join(pieces)

    def peek(self, _size: int = 1) -> bytes:
        """What is there, asking the socket once if nothing is. Raises OSError as the socket does."""
        if self._at == len(self._octets):
            self._more()
        return self._octets[self._at :]

    def close(self) -> None:
        """The socket is somebody else's."""

    def fetch(self, imap: Any, wanted: str, items: str) -> list[Row]:
        """Ask imaplib's server for items of these UIDs (RFC 9051 section 6.4.9). Raises UpstreamError, and
        what imaplib raises."""
        tag: bytes = imap._new_tag()
        self._room = ANSWER_LIMIT
        try:
            imap.send(b"%b UID FETCH %b %b\r\n" % (tag, wanted.encode(), items.encode()))
            return self._answer(imap, tag + b" ")
        finally:
            imap.tagged_commands.pop(tag, None)

    def _answer(self, imap: Any, tag: bytes) -> list[Row]:
        rows: list[Row] = []
        while True:
            line = self._line(imap)
            told = _FETCH.match(line)
            if told is not None:
                line = told[1] + b" " + line[told.end() :]
                while line.endswith(b"}") and (literal := _LITERAL.search(line)):
                    rows.append((line, self._literal(imap, int(literal[1]))))
                    line = self._line(imap)
                rows.append(line)
            elif line.startswith(tag):
                _require_ok(line[len(tag) :])
                return rows
            else:
                _note(imap, line)

    def _literal(self, imap: Any, size: int) -> bytes:
        self._charge(size)
        found = self.read(size)
        if len(found) < size:
            raise imap.abort("the connection ended in a literal")
        return found

    def _line(self, imap: Any) -> bytes:
        """Without its CRLF."""
        line = self.readline()
        self._charge(len(line))
        if line.endswith(b"\r\n"):
            return line[:-2]
        if len(line) >= LINE_LIMIT:
            raise UpstreamError(UpstreamCode.PROTOCOL, "The IMAP server sent a line without an end.")
        raise imap.abort("the connection ended in a line")

    def _charge(self, size: int) -> None:
        self._room -= size
        if self._room < 0:
            raise UpstreamError(UpstreamCode.PROTOCOL, "The IMAP server sent more than it was asked for.")

    def _take(self, size: int) -> bytes:
        start = self._at
        self._at = start + size
        return self._octets[start : self._at]

    def _more(self) -> bool:
        """Read what is there; what was taken is forgotten, so that `_at` is 0. False at the end."""
        piece: bytes = self._sock.recv(READ_OCTETS)
        self._octets = self._octets[self._at :] + piece
        self._at = 0
        return bool(piece)


def _require_ok(text: bytes) -> None:
    status, _, said = text.partition(b" ")
    if status.upper() != b"OK":
        shown = plain(said.decode("utf-8", "replace"))
        raise UpstreamError(UpstreamCode.REFUSED, f"The IMAP server refused FETCH: {shown}.")


def _note(imap: Any, line: bytes) -> None:
    """What the server tells besides, where imaplib would have put it."""
    told = _BESIDE.fullmatch(line)
    if told is None or line.endswith(b"}"):
        raise UpstreamError(UpstreamCode.PROTOCOL, "The IMAP server sent a line that is no answer.")
    kind = told["kind"].decode().upper()
    if kind == "BYE":
        raise imap.abort("the server said BYE")
    imap._append_untagged(kind, told["data"] or told["number"] or b"")
