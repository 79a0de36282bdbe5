"""NOTIFY: of what a client wants to hear at any time, and of which mailboxes (RFC 5465)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from mailkeep.imap.commands.base import Command
from mailkeep.imap.commands.fetch import FetchAttribute, encode_attribute
from mailkeep.imap.commands.fetch_parser import parse_attributes
from mailkeep.imap.commands.mailbox_filters import OF_SELECTED, FilterKind, MailboxFilter, parse_filter
from mailkeep.imap.errors import ImapLimitExceeded, ImapSyntaxError
from mailkeep.imap.lexer import Cursor
from mailkeep.imap.names import NameForm

GROUPS_LIMIT = 100  # in one command
_FILTERS = frozenset(FilterKind) - {FilterKind.SUBTREE_ONE}  # that one is RFC 7377's alone


class NotifyEvent(Enum):
    """RFC 5465 section 5, those that there are here: messages have no annotations."""

    MESSAGE_NEW = "MessageNew"
    MESSAGE_EXPUNGE = "MessageExpunge"
    FLAG_CHANGE = "FlagChange"
    MAILBOX_NAME = "MailboxName"
    SUBSCRIPTION_CHANGE = "SubscriptionChange"
    MAILBOX_METADATA_CHANGE = "MailboxMetadataChange"
    SERVER_METADATA_CHANGE = "ServerMetadataChange"


OF_MESSAGES = frozenset({NotifyEvent.MESSAGE_NEW, NotifyEvent.MESSAGE_EXPUNGE, NotifyEvent.FLAG_CHANGE})


@dataclass(frozen=True, slots=True)
class EventGroup:
    """`events` may be empty: NONE. `attributes` are fetched of new messages in the selected mailbox.
    `unknown` are names of events that there are none of here."""

    mailboxes: MailboxFilter
    events: tuple[NotifyEvent, ...] = ()
    attributes: tuple[FetchAttribute, ...] = ()
    unknown: tuple[str, ...] = ()

    def encode(self, form: NameForm) -> bytes:
        """`(selected (MessageNew (UID) MessageExpunge))`."""
        words = [event.value.encode("ascii") for event in self.events]
        if self.attributes:
            shown = b" ".join(map(encode_attribute, self.attributes))
            words[self.events.index(NotifyEvent.MESSAGE_NEW)] += b" (%b)" % shown
        words += [name.encode("ascii") for name in self.unknown]
        events = b"(%b)" % b" ".join(words) if words else b"NONE"
        return b"(%b %b)" % (self.mailboxes.encode(form), events)


@dataclass(frozen=True, slots=True)
class Notify(Command):
    """RFC 5465 section 3.1. `groups` None is NOTIFY NONE; `status` asks for STATUS responses at once."""

    name: ClassVar[str] = "NOTIFY"

    groups: tuple[EventGroup, ...] | None
    status: bool = False

    def arguments(self, form: NameForm) -> bytes:
        """NONE, or SET and the groups."""
        if self.groups is None:
            return b"NONE"
        words = [
            b"SET",
            *([b"STATUS"] if self.status else []),
            *(group.encode(form) for group in self.groups),
        ]
        return b" ".join(words)


def parse_notify(tag: str, cursor: Cursor) -> Notify:
    """`notify` of RFC 5465 section 8. Raises ImapSyntaxError also for events that may not stand together."""
    cursor.space()
    if cursor.skip_word(b"NONE"):
        return Notify(tag, None)
    if not cursor.skip_word(b"SET"):
        cursor.fail("SET or NONE")
    cursor.space()
    status = cursor.skip_word(b"STATUS")
    if status:
        cursor.space()
    groups = [_group(cursor)]
    while cursor.skip(b" "):
        groups.append(_group(cursor))
        if len(groups) > GROUPS_LIMIT:
            raise ImapLimitExceeded(f"NOTIFY takes at most {GROUPS_LIMIT} groups of events.")
    if sum(group.mailboxes.kind in OF_SELECTED for group in groups) > 1:
        raise ImapSyntaxError("The selected mailbox is named once.")  # section 6.1
    return Notify(tag, tuple(groups), status)


def _group(cursor: Cursor) -> EventGroup:
    cursor.expect(b"(")
    mailboxes = parse_filter(cursor, _FILTERS)
    cursor.space()
    events: list[NotifyEvent | str] = []
    attributes: tuple[FetchAttribute, ...] = ()
    if not cursor.skip_word(b"NONE"):
        enclosed = cursor.skip(b"(")  # the RFC's own examples leave these away where they are needed
        while not events or cursor.skip(b" "):
            event = _event(cursor)
            events.append(event)
            if event is NotifyEvent.MESSAGE_NEW and cursor.skip(b" ("):
                cursor.at -= 1
                attributes = parse_attributes(cursor)
        if enclosed:
            cursor.expect(b")")
    cursor.expect(b")")
    known = tuple(dict.fromkeys(event for event in events if isinstance(event, NotifyEvent)))
    group = EventGroup(
        mailboxes, known, attributes, tuple(event for event in events if isinstance(event, str))
    )
    _check(group)
    return group


def _event(cursor: Cursor) -> NotifyEvent | str:
    name = cursor.atom().decode("ascii")
    return _EVENTS.get(name.upper(), name)


def _check(group: EventGroup) -> None:
    of_messages = OF_MESSAGES.intersection(group.events)
    if of_messages and not {NotifyEvent.MESSAGE_NEW, NotifyEvent.MESSAGE_EXPUNGE} <= of_messages:
        raise ImapSyntaxError("MessageNew and MessageExpunge go together, and with FlagChange.")  # section 5
    if group.mailboxes.kind in OF_SELECTED:
        if not OF_MESSAGES.issuperset(group.events):
            raise ImapSyntaxError("The selected mailbox has events of messages only.")  # section 6.1
    elif group.attributes:
        raise ImapSyntaxError("Only new messages in the selected mailbox are fetched.")  # section 8


_EVENTS = {event.value.upper(): event for event in NotifyEvent}
