"""COPY and MOVE, with their UID forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mailkeep.imap.commands.base import Command
from mailkeep.imap.sequence import SequenceSet


@dataclass(frozen=True, slots=True)
class Copy(Command):
    """RFC 9051 section 6.4.7."""

    name: ClassVar[str] = "COPY"

    messages: SequenceSet
    mailbox: str
    uid: bool = False


@dataclass(frozen=True, slots=True)
class Move(Command):
    """RFC 9051 section 6.4.8."""

    name: ClassVar[str] = "MOVE"

    messages: SequenceSet
    mailbox: str
    uid: bool = False
