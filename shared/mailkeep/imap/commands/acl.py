"""SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS (RFC 4314)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mailkeep.errors import InvalidName
from mailkeep.imap.commands.base import Command
from mailkeep.imap.commands.mailbox import parse_mailbox
from mailkeep.imap.encoder import sent_astring, sent_mailbox
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.lexer import Cursor
from mailkeep.imap.names import NameForm
from mailkeep.model.rights import RightsAction, RightsChange, parse_rights, rights_text


@dataclass(frozen=True, slots=True)
class SetAcl(Command):
    """RFC 4314 section 3.1."""

    name: ClassVar[str] = "SETACL"

    mailbox: str
    identifier: str
    change: RightsChange

    def arguments(self, form: NameForm) -> bytes:
        """Mailbox, identifier, modification."""
        change = self.change.action.value + rights_text(self.change.rights)
        return b"%b %b" % (_pair(self.mailbox, self.identifier, form), sent_astring(change.encode("ascii")))


@dataclass(frozen=True, slots=True)
class DeleteAcl(Command):
    """RFC 4314 section 3.2."""

    name: ClassVar[str] = "DELETEACL"

    mailbox: str
    identifier: str

    def arguments(self, form: NameForm) -> bytes:
        """Mailbox and identifier."""
        return _pair(self.mailbox, self.identifier, form)


@dataclass(frozen=True, slots=True)
class GetAcl(Command):
    """RFC 4314 section 3.3."""

    name: ClassVar[str] = "GETACL"

    mailbox: str

    def arguments(self, form: NameForm) -> bytes:
        """The mailbox."""
        return sent_mailbox(self.mailbox, form)


@dataclass(frozen=True, slots=True)
class ListRights(Command):
    """RFC 4314 section 3.4."""

    name: ClassVar[str] = "LISTRIGHTS"

    mailbox: str
    identifier: str

    def arguments(self, form: NameForm) -> bytes:
        """Mailbox and identifier."""
        return _pair(self.mailbox, self.identifier, form)


@dataclass(frozen=True, slots=True)
class MyRights(Command):
    """RFC 4314 section 3.5."""

    name: ClassVar[str] = "MYRIGHTS"

    mailbox: str

    def arguments(self, form: NameForm) -> bytes:
        """The mailbox."""
        return sent_mailbox(self.mailbox, form)


def parse_set_acl(tag: str, cursor: Cursor) -> SetAcl:
    """`setacl` of RFC 4314 section 7. A letter that is no right is BAD (section 3.1)."""
    mailbox = parse_mailbox(cursor)
    identifier = _identifier(cursor)
    cursor.space()
    text = cursor.text()
    action = _ACTIONS.get(text[:1], RightsAction.SET)
    try:
        rights = parse_rights(text.removeprefix(action.value))
    except InvalidName as error:
        raise ImapSyntaxError(str(error)) from None
    return SetAcl(tag, mailbox, identifier, RightsChange(action, rights))


def parse_delete_acl(tag: str, cursor: Cursor) -> DeleteAcl:
    """`deleteacl`."""
    return DeleteAcl(tag, parse_mailbox(cursor), _identifier(cursor))


def parse_get_acl(tag: str, cursor: Cursor) -> GetAcl:
    """`getacl`."""
    return GetAcl(tag, parse_mailbox(cursor))


def parse_list_rights(tag: str, cursor: Cursor) -> ListRights:
    """`listrights`."""
    return ListRights(tag, parse_mailbox(cursor), _identifier(cursor))


def parse_my_rights(tag: str, cursor: Cursor) -> MyRights:
    """`myrights`."""
    return MyRights(tag, parse_mailbox(cursor))


def _identifier(cursor: Cursor) -> str:
    cursor.space()
    return cursor.text()


def _pair(mailbox: str, identifier: str, form: NameForm) -> bytes:
    return b"%b %b" % (sent_mailbox(mailbox, form), sent_astring(identifier.encode("utf-8")))


_ACTIONS = {action.value: action for action in RightsAction if action.value}
