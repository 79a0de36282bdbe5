"""COPY and MOVE, with their UID forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mailkeep.imap.commands.base import Command, uid_verb
from mailkeep.imap.encoder import sent_mailbox
from mailkeep.imap.lexer import Cursor
from mailkeep.imap.names import NameForm
from mailkeep.imap.sequence import SequenceSet


@dataclass(frozen=True, slots=True)
class Copy(Command):
    """RFC 9051 section 6.4.7."""

    name: ClassVar[str] = "COPY"

    messages: SequenceSet
    mailbox: str
    uid: bool = False

    def verb(self) -> str:
        """With or without UID."""
        return uid_verb(self.name, uid=self.uid)

    def arguments(self, form: NameForm) -> bytes:
        """Set and mailbox."""
        return f"{self.messages} ".encode("ascii") + sent_mailbox(self.mailbox, form)


@dataclass(frozen=True, slots=True)
class Move(Command):
    """RFC 9051 section 6.4.8."""

    name: ClassVar[str] = "MOVE"

    messages: SequenceSet
    mailbox: str
    uid: bool = False

    def verb(self) -> str:
        """With or without UID."""
        return uid_verb(self.name, uid=self.uid)

    def arguments(self, form: NameForm) -> bytes:
        """Set and mailbox."""
        return f"{self.messages} ".encode("ascii") + sent_mailbox(self.mailbox, form)


def parse_copy(tag: str, cursor: Cursor, *, uid: bool) -> Copy:
    """`copy`."""
    messages, mailbox = _arguments(cursor)
    return Copy(tag, messages, mailbox, uid)


def parse_move(tag: str, cursor: Cursor, *, uid: bool) -> Move:
    """`move`."""
    messages, mailbox = _arguments(cursor)
    return Move(tag, messages, mailbox, uid)


def _arguments(cursor: Cursor) -> tuple[SequenceSet, str]:
    cursor.space()
    messages = cursor.sequence_set()
    cursor.space()
    return messages, cursor.mailbox()
