"""The machine: octets in, commands out, in the order and the states of RFC 1939.

`receive` only appends. `next_command` hands out the next command that the state allows, None when more
octets are needed, or raises what the client did wrong, having consumed the line: the host answers and goes
on. While a SASL exchange runs it reads `next_response` instead. The host moves `state` and says when the
session is `finish`ed; nothing else does.
"""

from __future__ import annotations

import re

from mailkeep.pop3.commands import Command, parse, parse_response
from mailkeep.pop3.framing import LineBuffer
from mailkeep.pop3.limits import NUMBER_DIGITS, PIPELINE_LIMIT
from mailkeep.pop3.state import State, check

RETRIEVALS_LIMIT = 64
"""RETR commands that are looked at together."""

_RETR = b"RETR "
_RETRIEVALS = re.compile(rb"(?:[Rr][Ee][Tt][Rr] [0-9]{1,%d}\r\n){1,%d}" % (NUMBER_DIGITS, RETRIEVALS_LIMIT))


class Connection:
    """One client's end of a session, seen from the server."""

    __slots__ = ("_lines", "finished", "state")

    def __init__(self) -> None:
        self._lines = LineBuffer()
        self.state = State.AUTHORIZATION
        self.finished = False

    @property
    def is_full(self) -> bool:
        """True while the host should stop reading from the client."""
        return len(self._lines) >= PIPELINE_LIMIT

    @property
    def is_empty(self) -> bool:
        """True if nothing is left to read, not even half a line."""
        return not self._lines

    def receive(self, octets: bytes) -> None:
        """Add what has arrived. After `finish` nothing matters any more."""
        if not self.finished:
            self._lines.append(octets)

    def discard(self) -> None:
        """Forget what has arrived but is not yet read: STLS makes it suspect (RFC 2595 section 4)."""
        self._lines.clear()

    def finish(self) -> None:
        """The last command has been read: whatever else the client sent is forgotten."""
        self.finished = True
        self._lines.clear()

    def next_command(self) -> Command | None:
        """The next command, or None. Raises Pop3Syntax; WrongState among them."""
        line = self._lines.next_line()
        if line is None:
            return None
        command = parse(line)
        check(command, self.state)
        return command

    def next_response(self) -> bytes | None:
        """The next SASL response after base64, or None. Raises Pop3Syntax; SaslAborted among them."""
        line = self._lines.next_line(sasl=True)
        return None if line is None else parse_response(line)

    def queued_retrievals(self) -> list[int]:
        """Message-numbers of the RETR commands that are next, up to whatever else is written, or to
        RETRIEVALS_LIMIT. Nothing is consumed, and the state does not matter."""
        run = self._lines.peek(_RETRIEVALS)
        return [int(line[len(_RETR) :]) for line in run.split(b"\r\n")[:-1]] if run else []

    def skip_retrievals(self, count: int) -> None:
        """So many of these are answered."""
        self._lines.skip(count)
