"""REPLACE and UID REPLACE (RFC 8508): a message comes and another goes, in one step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mailkeep.imap.commands.append import AppendMessage, ReplacedMessage, parse_message, parse_replaced
from mailkeep.imap.commands.base import Command, uid_verb
from mailkeep.imap.encoder import sent_mailbox
from mailkeep.imap.lexer import Cursor
from mailkeep.imap.names import NameForm


@dataclass(frozen=True, slots=True)
class Replace(Command):
    """RFC 8508 section 3."""

    name: ClassVar[str] = "REPLACE"

    replaced: ReplacedMessage
    mailbox: str
    message: AppendMessage

    @property
    def uid(self) -> bool:
        """True for UID REPLACE."""
        return self.replaced.uid

    def verb(self) -> str:
        """With or without UID."""
        return uid_verb(self.name, uid=self.uid)

    def arguments(self, form: NameForm) -> bytes:
        """The old message, mailbox, the new message."""
        number = str(self.replaced.message).encode("ascii")
        return b"%b %b %b" % (number, sent_mailbox(self.mailbox, form), self.message.encode())


def parse_replace(tag: str, cursor: Cursor, *, uid: bool) -> Replace:
    """`replace` of RFC 8508 section 5."""
    replaced = parse_replaced(cursor, uid=uid)
    return Replace(tag, replaced, cursor.mailbox(), parse_message(cursor))
