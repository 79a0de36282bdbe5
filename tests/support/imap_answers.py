"""An IMAP server that has said all it will say: what `AnswerReader` reads, without a socket."""

from __future__ import annotations

import imaplib
import io
from typing import Any

from mailkeep.upstream.answers import AnswerReader


class Wire:
    """A socket whose peer sent this, and hears nothing more; `sizes` are what each read finds."""

    def __init__(self, octets: bytes, sizes: list[int]) -> None:
        self._file = io.BytesIO(octets)
        self._sizes = sizes

    def recv(self, limit: int) -> bytes:
        return self._file.read(min(limit, self._sizes.pop(0) if self._sizes else limit))


class Imap:
    """imaplib's connection as the reader uses it."""

    abort = imaplib.IMAP4.abort

    def __init__(self, octets: bytes, sizes: list[int] | None = None) -> None:
        self.file = AnswerReader(Wire(octets, sizes or []))
        self.tagged_commands: dict[bytes, Any] = {}
        self.sent = b""
        self.untagged: list[tuple[str, bytes]] = []

    def _new_tag(self) -> bytes:
        self.tagged_commands[b"t"] = None
        return b"t"

    def send(self, octets: bytes) -> None:
        self.sent += octets

    def _append_untagged(self, kind: str, data: bytes) -> None:
        self.untagged.append((kind, data))
