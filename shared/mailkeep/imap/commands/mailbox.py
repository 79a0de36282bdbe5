"""Commands on one mailbox as a whole. Names are Unicode, decoded by the session's name form."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from mailkeep.imap.commands.base import Command
from mailkeep.imap.sequence import SequenceSet


@dataclass(frozen=True, slots=True)
class QresyncParameters:
    """RFC 7162 section 3.2.5: SELECT ... (QRESYNC (uidvalidity modseq [known-uids [match-data]]))."""

    uidvalidity: int
    modseq: int
    known_uids: SequenceSet | None = None
    match_numbers: SequenceSet | None = None
    match_uids: SequenceSet | None = None


@dataclass(frozen=True, slots=True)
class Select(Command):
    """RFC 9051 section 6.3.2, with the parameters of RFC 7162."""

    name: ClassVar[str] = "SELECT"

    mailbox: str
    condstore: bool = False
    qresync: QresyncParameters | None = None


@dataclass(frozen=True, slots=True)
class Examine(Select):
    """RFC 9051 section 6.3.3."""

    name: ClassVar[str] = "EXAMINE"


@dataclass(frozen=True, slots=True)
class Create(Command):
    """RFC 9051 section 6.3.4. `use` are the attributes of RFC 6154 section 3, as sent (`\\Drafts`). A final
    delimiter (the client's hint that it will make children) is kept in `mailbox`."""

    name: ClassVar[str] = "CREATE"

    mailbox: str
    use: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delete(Command):
    """RFC 9051 section 6.3.5."""

    name: ClassVar[str] = "DELETE"

    mailbox: str


@dataclass(frozen=True, slots=True)
class Rename(Command):
    """RFC 9051 section 6.3.6."""

    name: ClassVar[str] = "RENAME"

    mailbox: str
    new_mailbox: str


@dataclass(frozen=True, slots=True)
class Subscribe(Command):
    """RFC 9051 section 6.3.7."""

    name: ClassVar[str] = "SUBSCRIBE"

    mailbox: str


@dataclass(frozen=True, slots=True)
class Unsubscribe(Command):
    """RFC 9051 section 6.3.8."""

    name: ClassVar[str] = "UNSUBSCRIBE"

    mailbox: str


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


@dataclass(frozen=True, slots=True)
class Check(Command):
    """RFC 3501 section 6.4.1."""

    name: ClassVar[str] = "CHECK"
