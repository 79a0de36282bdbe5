"""Drives the framer as a host would, and writes down what it said."""

from __future__ import annotations

from collections.abc import Iterable

from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.framing import (
    NEED_DATA,
    CommandLine,
    Framer,
    Line,
    LiteralChunk,
    LiteralKind,
    LiteralRequest,
)

Said = tuple[object, ...]


class Wire:
    """Accepts every literal unless `refuse` is set. `said` holds comparable facts, in order; chunks of one
    message are joined, since how octets arrive may cut them anywhere."""

    def __init__(self, framer: Framer | None = None, *, refuse: bool = False) -> None:
        self.framer = framer or Framer()
        self.refuse = refuse
        self.said: list[Said] = []
        self.most_buffered = 0

    def send(self, *pieces: bytes) -> list[Said]:
        """Feed pieces one after the other; returns what was said since the call began."""
        start = len(self.said)
        for piece in pieces:
            self.framer.receive_data(piece)
            self._drain()
        return self.said[start:]

    def feed(self, pieces: Iterable[bytes]) -> list[Said]:
        """The same for any number of pieces."""
        return self.send(*pieces)

    def _drain(self) -> None:
        while True:
            try:
                event = self.framer.next_event()
            except ImapSyntaxError as error:
                self._drop_unfinished_message()
                self.said.append(("error", type(error).__name__, error.tag, error.fatal))
                continue
            self.most_buffered = max(self.most_buffered, self.framer.buffered)
            if event is NEED_DATA:
                return
            self._note(event)

    def _note(self, event: object) -> None:
        match event:
            case CommandLine(octets, streamed):
                self.said.append(("command", octets, streamed))
            case Line(octets):
                self.said.append(("line", octets))
            case LiteralChunk(octets, remaining):
                self._chunk(octets, remaining)
            case LiteralRequest():
                self._decide(event)

    def _decide(self, request: LiteralRequest) -> None:
        kind = "message" if request.kind is LiteralKind.MESSAGE else "argument"
        self.said.append((kind, request.tag, request.size, request.synchronizing))
        if self.refuse:
            self.framer.refuse()
        else:
            self.framer.accept()

    def _chunk(self, octets: bytes, remaining: int) -> None:
        if self.said and self.said[-1][0] == "octets" and self.said[-1][2]:
            octets = bytes(self.said.pop()[1]) + octets  # type: ignore[call-overload]
        self.said.append(("octets", octets, remaining))

    def _drop_unfinished_message(self) -> None:
        if self.said and self.said[-1][0] == "octets" and self.said[-1][2]:
            self.said.pop()
