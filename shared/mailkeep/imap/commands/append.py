"""APPEND, with several messages in one command (RFC 3502).

Message literals are streamed by the framer, so the parsed command may hold `StreamedLiteral` where the
octets were; `begin` parses what stands before such a literal, so that the host can refuse it unread.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from mailkeep.imap.commands.base import Command


@dataclass(frozen=True, slots=True)
class StreamedLiteral:
    """Octets that went to the host in `LiteralChunk`s. `index` counts them within the command from 0."""

    size: int
    index: int


@dataclass(frozen=True, slots=True)
class AppendMessage:
    """One message of APPEND. `flags` are wire names; `internal_date` is aware, None for now; `binary` says
    literal8 (RFC 3516 section 4.4); `utf8` says the UTF8 data of RFC 6855 section 4."""

    content: bytes | StreamedLiteral = field(repr=False)
    flags: tuple[str, ...] = ()
    internal_date: datetime | None = None
    binary: bool = False
    utf8: bool = False


@dataclass(frozen=True, slots=True)
class Append(Command):
    """RFC 9051 section 6.3.12, RFC 3502."""

    name: ClassVar[str] = "APPEND"

    mailbox: str
    messages: tuple[AppendMessage, ...]


@dataclass(frozen=True, slots=True)
class AppendStart:
    """What is known when a message literal is announced: the host decides on it before any octet is sent.

    `index` is the message's place in the command; those before it have been streamed already.
    """

    tag: str
    mailbox: str
    flags: tuple[str, ...]
    internal_date: datetime | None
    size: int
    index: int
