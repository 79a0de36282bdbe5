"""From octets to whole commands, without IO: what arrives is cut at CRLF, literals are counted off.

Why this is its own layer: in IMAP the end of a command is not the end of a line. A line that ends in
`{n}` continues after n octets of anything, and before sending them the client may wait to be told to
(RFC 9051 section 4.3). That decision belongs to the host, which alone knows whether the mailbox exists or
the quota is full, so the framer stops at every announcement that needs an answer and says
`LiteralRequest`. Messages on their way in (APPEND) never lie here: they leave as `LiteralChunk`s.

It parses no command; it peeks at the word APPEND because a message literal is streamed and counted
against another limit. It holds at most one command (`Limits.command`) and what the transport delivered
last. After an error it has already found its way to the next command, unless the error is `fatal`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn

from mailkeep.imap.errors import ImapLimitExceeded, ImapSyntaxError, LiteralTooLarge
from mailkeep.imap.events import (
    NEED_DATA,
    CommandLine,
    Event,
    Line,
    LiteralChunk,
    LiteralKind,
    LiteralRequest,
)
from mailkeep.imap.limits import AUTHENTICATED, NUMBER64_MAX, Limits

__all__ = [
    "NEED_DATA",
    "CommandLine",
    "Event",
    "Framer",
    "Line",
    "LiteralChunk",
    "LiteralKind",
    "LiteralRequest",
]

_MARKER = re.compile(rb"(~?)\{(\d{1,20})(\+?)\}\Z")
_TAG = re.compile(rb"([^\x00-\x20\x7f-\xff(){%*\"\\+]{1,64})[ \r\n]")  # RFC 9051 section 9: tag
# A literal behind the mailbox name of APPEND (RFC 9051 section 6.3.12) or REPLACE (RFC 8508), and not
# CATENATE's URL (RFC 4469), is a message or a piece of one.
_MESSAGE_PLACE = re.compile(
    rb"[^ ]+ (?:APPEND|(?:UID )?REPLACE [^ ]+) (?!~?\{\d+\+?\}\Z)", re.IGNORECASE | re.DOTALL
)
_URL_PLACE = re.compile(rb"[ (]URL \{\d+\+?\}\Z", re.IGNORECASE)
_TAG_ROOM = 66
_MARKER_ROOM = 32  # octets: longer than any marker; kept of a line that is thrown away


class Framer:
    """One connection's octets. `literal8` allows `~{n}` (RFC 3516); `limits` may be exchanged at any time."""

    __slots__ = (
        "_at",
        "_binary",
        "_buffer",
        "_command",
        "_draining",
        "_line_limit",
        "_literals",
        "_reader",
        "_remaining",
        "_request",
        "_scanned",
        "_streamed",
        "limits",
        "literal8",
    )

    def __init__(self, limits: Limits = AUTHENTICATED) -> None:
        self.limits = limits
        self.literal8 = False
        self._buffer = bytearray()
        self._at = 0  # octets before it have been taken
        self._scanned = 0  # no LF before it
        self._line_limit: int | None = None  # set by expect_line
        self._reader: Callable[[Framer], Event | None] = Framer._read_line  # no bound method: no cycle
        self._draining = 0
        self._request: LiteralRequest | None = None
        self._remaining = 0
        self._binary = False
        self._start_command()

    # --- for the host ---------------------------------------------------------------------------

    @property
    def buffered(self) -> int:
        """Octets received and not yet taken by an event."""
        return len(self._buffer) - self._at

    def receive_data(self, octets: bytes) -> None:
        """Append what the transport delivered. Raises nothing: errors come out of `next_event`."""
        if self._at:
            del self._buffer[: self._at]
            self._scanned -= self._at
            self._at = 0
        self._buffer += octets

    def next_event(self) -> Event:
        """The next event, or NEED_DATA. Raises ImapSyntaxError or ImapLimitExceeded with the tag if it is
        known; unless `fatal` is set, the following call goes on with the next command."""
        while True:
            event = self._reader(self)
            if event is not None:
                return event

    def accept(self) -> None:
        """Take the announced literal."""
        request = self._take_request()
        self._remaining = request.size
        self._binary = request.binary
        self._reader = Framer._stream_literal if request.kind is LiteralKind.MESSAGE else Framer._hold_literal

    def refuse(self) -> None:
        """Do not take it; the command is over. Of a non-synchronizing literal the octets come regardless
        and are thrown away (RFC 7888 section 4); if they are too many, the next event is a fatal error."""
        request = self._take_request()
        self._abandon(request.size, request.synchronizing)

    def expect_line(self, limit: int) -> None:
        """The next line is no command: a SASL response or IDLE's DONE, of at most `limit` octets."""
        self._line_limit = limit

    def discard_buffer(self) -> int:
        """Throw away what came in before TLS began (RFC 9051 section 6.2.1). Returns how many octets."""
        count = self.buffered
        self._buffer.clear()
        self._at = self._scanned = 0
        self._line_limit = self._request = None
        self._start_command()
        return count

    # --- lines ----------------------------------------------------------------------------------

    def _start_command(self) -> None:
        self._command = b""
        self._streamed: tuple[int, ...] = ()
        self._literals = 0
        self._reader = Framer._read_line

    def _read_line(self) -> Event | None:
        end = self._buffer.find(b"\n", self._scanned)
        limit = self.limits.line if self._line_limit is None else self._line_limit
        if end < 0:
            self._scanned = len(self._buffer)
            if self.buffered > limit + 1:  # CR may be there already
                self._overlong()
            if self._at == self._scanned:
                self._buffer.clear()  # an idle connection holds nothing
                self._at = self._scanned = 0
            return NEED_DATA
        line = bytes(self._buffer[self._at : end + 1])
        length = len(line)
        if length > limit + 2:
            self._overlong()
        self._at = self._scanned = end + 1
        # What follows, in one step for nearly every command: without fault, and no literal is announced.
        is_whole = line.find(b"\r") == length - 2 >= 0 and line[-3:-2] != b"}" and b"\0" not in line
        if is_whole and self._line_limit is None and not self._command:
            return CommandLine(line[:-2])
        if self._line_limit is not None:
            return self._asked_line(line)
        return self._end_of_line(self._checked(line))

    def _asked_line(self, line: bytes) -> Event:
        self._line_limit = None
        error = _line_error(line, b"")
        if error is not None:
            raise error
        return Line(line[:-2])

    def _checked(self, line: bytes) -> bytes:
        """The line without CRLF."""
        error = _line_error(line, self._command or line)
        if error is not None:
            self._give_up(line.removesuffix(b"\n").removesuffix(b"\r"), error)
        return line[:-2]

    def _end_of_line(self, text: bytes) -> Event | None:
        command = self._command + text if self._command else text
        if len(command) > self.limits.command:
            self._give_up(text, ImapLimitExceeded("The command is too long.", _tag_of(command)))
        marker = _MARKER.search(text, max(0, len(text) - _MARKER_ROOM)) if text[-1:] == b"}" else None
        if marker is None:
            event = CommandLine(command, self._streamed)
            self._start_command()
            return event
        return self._announced(command, text, marker)

    # --- literals -------------------------------------------------------------------------------

    def _announced(self, command: bytes, text: bytes, marker: re.Match[bytes]) -> Event | None:
        size, synchronizing = int(marker.group(2)), not marker.group(3)
        kind = _kind(command, text)
        self._command = command + b"\r\n"
        self._literals += 1
        error = self._objection(size, kind, binary=bool(marker.group(1)), synchronizing=synchronizing)
        if error is not None:
            self._abandon(size, synchronizing)
            raise error
        request = LiteralRequest(
            command, self._streamed, _tag_of(command), size, kind, synchronizing, bool(marker.group(1))
        )
        self._request = request
        if kind is LiteralKind.ARGUMENT and not synchronizing:
            self.accept()
            return None
        self._reader = Framer._await_decision
        return request

    def _objection(
        self, size: int, kind: LiteralKind, *, binary: bool, synchronizing: bool
    ) -> ImapSyntaxError | None:
        limits = self.limits
        if size > NUMBER64_MAX:
            return ImapSyntaxError("No literal has that size.", _tag_of(self._command))
        if binary and not self.literal8:
            return ImapSyntaxError("literal8 is not understood here.", _tag_of(self._command))
        if self._literals > limits.literals:
            return ImapLimitExceeded("The command has too many literals.", _tag_of(self._command))
        if kind is LiteralKind.MESSAGE:
            too_large = size > limits.message_literal
        else:
            too_large = size > limits.argument_literal or len(self._command) + size > limits.command
        if not synchronizing and limits.non_synchronizing is not None:
            too_large = too_large or size > limits.non_synchronizing
        return LiteralTooLarge("The literal is too large.", _tag_of(self._command)) if too_large else None

    def _take_request(self) -> LiteralRequest:
        request = self._request
        if request is None:
            raise RuntimeError("No literal has been announced.")
        self._request = None
        return request

    def _await_decision(self) -> Event | None:
        raise RuntimeError("The announced literal must be accepted or refused first.")

    def _hold_literal(self) -> Event | None:
        if self.buffered < self._remaining:
            return NEED_DATA
        self._command += self._take(self._remaining)
        self._reader = Framer._read_line
        return None

    def _stream_literal(self) -> Event | None:
        if self._remaining and not self.buffered:
            return NEED_DATA
        octets = self._take(min(self._remaining, self.buffered, self.limits.chunk))
        self._remaining -= len(octets)
        if b"\0" in octets and not self._binary:  # RFC 9051 section 4.3.3: only literal8 holds NUL
            error = ImapSyntaxError("A message with NUL octets needs literal8.", _tag_of(self._command))
            self._abandon(self._remaining, synchronizing=False)
            raise error
        if self._remaining == 0:
            self._streamed += (len(self._command),)
            self._reader = Framer._read_line
        return LiteralChunk(octets, self._remaining)

    def _take(self, count: int) -> bytes:
        start, self._at = self._at, self._at + count
        self._scanned = self._at
        return bytes(memoryview(self._buffer)[start : self._at])

    # --- finding the next command -----------------------------------------------------------------

    def _give_up(self, text: bytes, error: ImapSyntaxError) -> NoReturn:
        """Raise at the end of a line; a literal that the line announces is thrown away too."""
        marker = _MARKER.search(text, max(0, len(text) - _MARKER_ROOM))
        if marker is None:
            self._start_command()
        else:
            self._abandon(int(marker.group(2)), synchronizing=not marker.group(3))
        raise error

    def _overlong(self) -> NoReturn:
        start = self._command or bytes(memoryview(self._buffer)[self._at : self._at + _TAG_ROOM])
        tag = _tag_of(start) if self._line_limit is None else None
        self._line_limit = None
        self._start_command()
        self._reader = Framer._drain_line
        raise ImapLimitExceeded("The line is too long.", tag)

    def _abandon(self, size: int, synchronizing: bool) -> None:
        """A client that waits for leave will not send the octets; any other sends them and the rest."""
        self._start_command()
        if not synchronizing:
            self._draining = size
            self._reader = Framer._drain_literal if size <= self.limits.drain else Framer._give_up_all

    def _drain_literal(self) -> Event | None:
        count = min(self._draining, self.buffered)
        self._at += count
        self._scanned = self._at
        self._draining -= count
        if self._draining:
            return NEED_DATA
        self._reader = Framer._drain_line
        return None

    def _drain_line(self) -> Event | None:
        end = self._buffer.find(b"\n", self._scanned)
        if end < 0:
            self._at = max(self._at, len(self._buffer) - _MARKER_ROOM)
            self._scanned = len(self._buffer)
            return NEED_DATA
        tail = bytes(memoryview(self._buffer)[max(self._at, end - _MARKER_ROOM) : end]).removesuffix(b"\r")
        self._at = self._scanned = end + 1
        marker = _MARKER.search(tail)
        self._start_command()
        if marker is not None:
            self._abandon(int(marker.group(2)), synchronizing=not marker.group(3))
        return None

    def _give_up_all(self) -> Event | None:
        """RFC 7888 section 4: what is not read to its end can only be answered by closing."""
        self._reader = Framer._closed
        raise ImapLimitExceeded("More octets follow than are read here.", fatal=True)

    def _closed(self) -> Event | None:
        """After a fatal error nothing more is read; what comes is thrown away."""
        self._at = self._scanned = len(self._buffer)
        return NEED_DATA


def _kind(command: bytes, text: bytes) -> LiteralKind:
    """What the literal is that `command` announces. `text` is what came since the literal before: a mailbox
    whose name was one may be called as anything."""
    is_message = _MESSAGE_PLACE.match(command) is not None and _URL_PLACE.search(text) is None
    return LiteralKind.MESSAGE if is_message else LiteralKind.ARGUMENT


def _line_error(line: bytes, command: bytes) -> ImapSyntaxError | None:
    """Bare CR, bare LF and NUL are no part of any line (RFC 9051 section 9). `command` has the tag."""
    if not line.endswith(b"\r\n"):
        return ImapSyntaxError("A line ends in CR LF, not in LF alone.", _tag_of(command))
    if b"\r" in line[:-2]:
        return ImapSyntaxError("A line cannot hold a CR.", _tag_of(command))
    if b"\0" in line:
        return ImapSyntaxError("A line cannot hold a NUL octet.", _tag_of(command))
    return None


def _tag_of(command: bytes) -> str | None:
    """The tag, if these octets begin with one and it is whole."""
    found = _TAG.match(command)
    return found.group(1).decode("ascii") if found else None
