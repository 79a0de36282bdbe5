"""Commands on one mailbox as a whole. Names are Unicode, decoded by the session's name form."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from mailkeep.imap.commands.base import Command, uid_verb
from mailkeep.imap.encoder import sent_mailbox
from mailkeep.imap.lexer import Cursor
from mailkeep.imap.names import NameForm
from mailkeep.imap.sequence import SequenceSet


@dataclass(frozen=True, slots=True)
class QresyncParameters:
    """RFC 7162 section 3.2.5: SELECT ... (QRESYNC (uidvalidity modseq [known-uids [match-data]]))."""

    uidvalidity: int
    modseq: int
    known_uids: SequenceSet | None = None
    match_numbers: SequenceSet | None = None
    match_uids: SequenceSet | None = None

    def encode(self) -> bytes:
        """`QRESYNC (...)`."""
        text = f"{self.uidvalidity} {self.modseq}"
        if self.known_uids is not None:
            text += f" {self.known_uids}"
        if self.match_numbers is not None:
            text += f" ({self.match_numbers} {self.match_uids})"
        return f"QRESYNC ({text})".encode("ascii")


@dataclass(frozen=True, slots=True)
class Select(Command):
    """RFC 9051 section 6.3.2, with the parameters of RFC 7162. `written` is the name as the client wrote it,
    if that was not in NFC."""

    name: ClassVar[str] = "SELECT"

    mailbox: str
    condstore: bool = False
    qresync: QresyncParameters | None = None
    written: str | None = None

    def arguments(self, form: NameForm) -> bytes:
        """Mailbox and parameters."""
        parameters = [b"CONDSTORE"] if self.condstore else []
        if self.qresync is not None:
            parameters.append(self.qresync.encode())
        listed = b" (%b)" % b" ".join(parameters) if parameters else b""
        return sent_mailbox(self.written or self.mailbox, form) + listed


@dataclass(frozen=True, slots=True)
class Examine(Select):
    """RFC 9051 section 6.3.3."""

    name: ClassVar[str] = "EXAMINE"


@dataclass(frozen=True, slots=True)
class Create(Command):
    """RFC 9051 section 6.3.4. `use` are the attributes of RFC 6154 section 3, as sent (`\\Drafts`). A final
    delimiter (the client's hint that it will make children) is kept in `mailbox`. `written` as in Select."""

    name: ClassVar[str] = "CREATE"

    mailbox: str
    use: tuple[str, ...] = ()
    written: str | None = None

    def arguments(self, form: NameForm) -> bytes:
        """Mailbox and special use."""
        use = f" (USE ({' '.join(self.use)}))" if self.use else ""
        return sent_mailbox(self.written or self.mailbox, form) + use.encode("ascii")


@dataclass(frozen=True, slots=True)
class Delete(Command):
    """RFC 9051 section 6.3.5."""

    name: ClassVar[str] = "DELETE"

    mailbox: str

    def arguments(self, form: NameForm) -> bytes:
        """The mailbox."""
        return sent_mailbox(self.mailbox, form)


@dataclass(frozen=True, slots=True)
class Rename(Command):
    """RFC 9051 section 6.3.6."""

    name: ClassVar[str] = "RENAME"

    mailbox: str
    new_mailbox: str

    def arguments(self, form: NameForm) -> bytes:
        """Both names."""
        return b"%b %b" % (sent_mailbox(self.mailbox, form), sent_mailbox(self.new_mailbox, form))


@dataclass(frozen=True, slots=True)
class Subscribe(Command):
    """RFC 9051 section 6.3.7."""

    name: ClassVar[str] = "SUBSCRIBE"

    mailbox: str

    def arguments(self, form: NameForm) -> bytes:
        """The mailbox."""
        return sent_mailbox(self.mailbox, form)


@dataclass(frozen=True, slots=True)
class Unsubscribe(Command):
    """RFC 9051 section 6.3.8."""

    name: ClassVar[str] = "UNSUBSCRIBE"

    mailbox: str

    def arguments(self, form: NameForm) -> bytes:
        """The mailbox."""
        return sent_mailbox(self.mailbox, form)


class StatusItem(Enum):
    """RFC 9051 section 6.3.11; RFC 3501 (RECENT), RFC 7162, RFC 7889, RFC 8474, RFC 9208."""

    MESSAGES = "MESSAGES"
    RECENT = "RECENT"
    UIDNEXT = "UIDNEXT"
    UIDVALIDITY = "UIDVALIDITY"
    UNSEEN = "UNSEEN"
    DELETED = "DELETED"
    SIZE = "SIZE"
    HIGHESTMODSEQ = "HIGHESTMODSEQ"
    APPENDLIMIT = "APPENDLIMIT"
    MAILBOXID = "MAILBOXID"
    DELETED_STORAGE = "DELETED-STORAGE"


@dataclass(frozen=True, slots=True)
class Status(Command):
    """RFC 9051 section 6.3.11; items in the order asked, each once."""

    name: ClassVar[str] = "STATUS"

    mailbox: str
    items: tuple[StatusItem, ...]

    def arguments(self, form: NameForm) -> bytes:
        """Mailbox and items."""
        return b"%b %b" % (sent_mailbox(self.mailbox, form), encode_status_items(self.items))


@dataclass(frozen=True, slots=True)
class Close(Command):
    """RFC 9051 section 6.4.1."""

    name: ClassVar[str] = "CLOSE"


@dataclass(frozen=True, slots=True)
class Unselect(Command):
    """RFC 9051 section 6.4.2."""

    name: ClassVar[str] = "UNSELECT"


@dataclass(frozen=True, slots=True)
class Expunge(Command):
    """RFC 9051 section 6.4.3; with `uids` it is UID EXPUNGE (section 6.4.9)."""

    name: ClassVar[str] = "EXPUNGE"

    uids: SequenceSet | None = None

    def verb(self) -> str:
        """`UID EXPUNGE` with a set."""
        return uid_verb(self.name, uid=self.uids is not None)

    def arguments(self, form: NameForm) -> bytes:
        """The set."""
        return b"" if self.uids is None else str(self.uids).encode("ascii")


@dataclass(frozen=True, slots=True)
class Check(Command):
    """RFC 3501 section 6.4.1."""

    name: ClassVar[str] = "CHECK"


def parse_select(tag: str, cursor: Cursor) -> Select:
    """`select` of RFC 9051 section 9 with `select-param` of RFC 7162 section 7."""
    return Select(tag, *_select_arguments(cursor))


def parse_examine(tag: str, cursor: Cursor) -> Examine:
    """`examine`; the same parameters."""
    return Examine(tag, *_select_arguments(cursor))


def parse_create(tag: str, cursor: Cursor) -> Create:
    """`create` with the USE parameter of RFC 6154 section 6."""
    cursor.space()
    mailbox, written = cursor.written_mailbox()
    if cursor.at_end():
        return Create(tag, mailbox, (), written)
    cursor.expect(b" (")
    if not cursor.skip_word(b"USE"):
        cursor.fail("USE")
    cursor.space()
    use = cursor.flag_list()
    cursor.expect(b")")
    return Create(tag, mailbox, use, written)


def parse_delete(tag: str, cursor: Cursor) -> Delete:
    """`delete`."""
    return Delete(tag, parse_mailbox(cursor))


def parse_rename(tag: str, cursor: Cursor) -> Rename:
    """`rename`."""
    return Rename(tag, parse_mailbox(cursor), parse_mailbox(cursor))


def parse_subscribe(tag: str, cursor: Cursor) -> Subscribe:
    """`subscribe`."""
    return Subscribe(tag, parse_mailbox(cursor))


def parse_unsubscribe(tag: str, cursor: Cursor) -> Unsubscribe:
    """`unsubscribe`."""
    return Unsubscribe(tag, parse_mailbox(cursor))


def parse_status(tag: str, cursor: Cursor) -> Status:
    """`status`."""
    mailbox = parse_mailbox(cursor)
    cursor.space()
    return Status(tag, mailbox, parse_status_items(cursor))


def parse_uid_expunge(tag: str, cursor: Cursor) -> Expunge:
    """`UID EXPUNGE set`."""
    cursor.space()
    return Expunge(tag, cursor.sequence_set())


def parse_mailbox(cursor: Cursor) -> str:
    """SP mailbox."""
    cursor.space()
    return cursor.mailbox()


def parse_status_items(cursor: Cursor) -> tuple[StatusItem, ...]:
    """The parenthesised list, each item once."""
    return tuple(dict.fromkeys(cursor.list_of(lambda: _status_item(cursor))))


def encode_status_items(items: tuple[StatusItem, ...]) -> bytes:
    """`(MESSAGES UNSEEN)`."""
    return b"(%b)" % " ".join(item.value for item in items).encode("ascii")


def _status_item(cursor: Cursor) -> StatusItem:
    word = cursor.word()
    item = _STATUS_ITEMS.get(word)
    if item is None:
        cursor.unknown("status item")
    return item


def _select_arguments(cursor: Cursor) -> tuple[str, bool, QresyncParameters | None, str | None]:
    cursor.space()
    mailbox, written = cursor.written_mailbox()
    condstore, qresync = False, None
    if not cursor.at_end():
        cursor.space()
        for parameter in cursor.list_of(lambda: _select_parameter(cursor)):
            if parameter is None:
                condstore = True
            else:
                qresync = parameter
    return mailbox, condstore, qresync, written


def _select_parameter(cursor: Cursor) -> QresyncParameters | None:
    """CONDSTORE is None."""
    if cursor.skip_word(b"CONDSTORE"):
        return None
    if not cursor.skip_word(b"QRESYNC"):
        cursor.fail("CONDSTORE or QRESYNC")
    cursor.expect(b" (")
    uidvalidity = cursor.nz_number()
    cursor.space()
    modseq = cursor.number64()
    known = numbers = uids = None
    if cursor.next_is(b" ") and not cursor.next_is(b" ("):
        cursor.space()
        known = cursor.sequence_set()
    if cursor.skip(b" ("):
        numbers = cursor.sequence_set()
        cursor.space()
        uids = cursor.sequence_set()
        cursor.expect(b")")
    cursor.expect(b")")
    return QresyncParameters(uidvalidity, modseq, known, numbers, uids)


_STATUS_ITEMS = {item.value: item for item in StatusItem}
