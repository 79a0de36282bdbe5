"""Mailboxes, their names and their counts (RFC 9051 sections 7.3 and 7.4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from mailkeep.imap.commands.mailbox import StatusItem
from mailkeep.imap.encoder import flag_list, mailbox, quoted, uid_set
from mailkeep.imap.names import LEGACY, NameForm
from mailkeep.model.uids import UidSet


@dataclass(frozen=True, slots=True)
class FlagsData:
    """RFC 9051 section 7.3.5."""

    flags: tuple[str, ...]

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        return b"* FLAGS %b\r\n" % flag_list(self.flags)


class Count(Enum):
    """RFC 9051 section 7.4; RECENT from RFC 3501 section 7.3.2."""

    EXISTS = "EXISTS"
    RECENT = "RECENT"
    EXPUNGE = "EXPUNGE"


@dataclass(frozen=True, slots=True)
class CountData:
    """`* 23 EXISTS`, `* 5 RECENT`, `* 44 EXPUNGE`."""

    count: Count
    number: int

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        return b"* %d %b\r\n" % (self.number, self.count.value.encode("ascii"))


@dataclass(frozen=True, slots=True)
class VanishedData:
    """RFC 7162 section 3.2.10; `earlier` for messages that went before the command."""

    uids: UidSet
    earlier: bool = False

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        return b"* VANISHED %b%b\r\n" % (b"(EARLIER) " if self.earlier else b"", uid_set(self.uids))


@dataclass(frozen=True, slots=True)
class ListData:
    """RFC 9051 section 7.3.1. `attributes` as spelled there; `delimiter` None for a flat name. CHILDINFO
    holds selection options that children matched."""

    mailbox: str
    attributes: tuple[str, ...] = ()
    delimiter: str | None = "/"
    child_info: tuple[str, ...] = ()
    old_name: str | None = None  # RFC 9051 section 6.3.9.7
    lsub: bool = False  # LSUB of RFC 3501 section 7.2.3 has the same form

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        delimiter = b"NIL" if self.delimiter is None else quoted(self.delimiter.encode("ascii"))
        extended = []
        if self.child_info:
            extended.append(
                b'"CHILDINFO" (%b)' % b" ".join(quoted(o.encode("ascii")) for o in self.child_info)
            )
        if self.old_name is not None:
            extended.append(b'"OLDNAME" (%b)' % mailbox(self.old_name, form))
        return b"* %b %b %b %b%b\r\n" % (
            b"LSUB" if self.lsub else b"LIST",
            flag_list(self.attributes),
            delimiter,
            mailbox(self.mailbox, form),
            b" (%b)" % b" ".join(extended) if extended else b"",
        )


@dataclass(frozen=True, slots=True)
class StatusData:
    """RFC 9051 section 7.3.4. A value is a number; text for MAILBOXID; None for no APPENDLIMIT."""

    mailbox: str
    items: tuple[tuple[StatusItem, int | str | None], ...]

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        items = " ".join(f"{item.value} {_status_value(value)}" for item, value in self.items)
        return b"* STATUS %b (%b)\r\n" % (mailbox(self.mailbox, form), items.encode("ascii"))


@dataclass(frozen=True, slots=True)
class NamespaceEntry:
    """A prefix, and its delimiter or None."""

    prefix: str
    delimiter: str | None = "/"


@dataclass(frozen=True, slots=True)
class NamespaceData:
    """RFC 9051 section 7.3.2; () is NIL."""

    personal: tuple[NamespaceEntry, ...] = ()
    other_users: tuple[NamespaceEntry, ...] = ()
    shared: tuple[NamespaceEntry, ...] = ()

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        groups = (self.personal, self.other_users, self.shared)
        return b"* NAMESPACE %b\r\n" % b" ".join(_namespace(group, form) for group in groups)


def _status_value(value: int | str | None) -> str:
    if value is None:
        return "NIL"
    return f"({value})" if isinstance(value, str) else str(value)


def _namespace(entries: tuple[NamespaceEntry, ...], form: NameForm) -> bytes:
    if not entries:
        return b"NIL"
    encoded = [
        b"(%b %b)"
        % (
            mailbox(entry.prefix, form) if entry.prefix else b'""',
            b"NIL" if entry.delimiter is None else quoted(entry.delimiter.encode("ascii")),
        )
        for entry in entries
    ]
    return b"(%b)" % b"".join(encoded)
