"""GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mailkeep.imap.commands.base import Command
from mailkeep.imap.commands.mailbox import parse_mailbox
from mailkeep.imap.encoder import sent_astring, sent_mailbox
from mailkeep.imap.lexer import Cursor
from mailkeep.imap.names import NameForm


@dataclass(frozen=True, slots=True)
class GetQuota(Command):
    """RFC 9208 section 4.2."""

    name: ClassVar[str] = "GETQUOTA"

    root: str

    def arguments(self, form: NameForm) -> bytes:
        """The quota root."""
        return sent_astring(self.root.encode("utf-8"))


@dataclass(frozen=True, slots=True)
class GetQuotaRoot(Command):
    """RFC 9208 section 4.3. The mailbox need not exist."""

    name: ClassVar[str] = "GETQUOTAROOT"

    mailbox: str

    def arguments(self, form: NameForm) -> bytes:
        """The mailbox."""
        return sent_mailbox(self.mailbox, form)


@dataclass(frozen=True, slots=True)
class SetQuota(Command):
    """RFC 9208 section 4.4. `limits` are resource names, in upper case, with their limits."""

    name: ClassVar[str] = "SETQUOTA"

    root: str
    limits: tuple[tuple[str, int], ...] = ()

    def arguments(self, form: NameForm) -> bytes:
        """Quota root and limits."""
        limits = " ".join(f"{name} {limit}" for name, limit in self.limits)
        return b"%b (%b)" % (sent_astring(self.root.encode("utf-8")), limits.encode("ascii"))


def parse_get_quota(tag: str, cursor: Cursor) -> GetQuota:
    """`getquota` of RFC 9208 section 7."""
    return GetQuota(tag, _root(cursor))


def parse_get_quota_root(tag: str, cursor: Cursor) -> GetQuotaRoot:
    """`getquotaroot`."""
    return GetQuotaRoot(tag, parse_mailbox(cursor))


def parse_set_quota(tag: str, cursor: Cursor) -> SetQuota:
    """`setquota`; no limits at all are a list too."""
    root = _root(cursor)
    cursor.space()
    return SetQuota(tag, root, () if cursor.skip(b"()") else cursor.list_of(lambda: _limit(cursor)))


def _root(cursor: Cursor) -> str:
    cursor.space()
    return cursor.text()


def _limit(cursor: Cursor) -> tuple[str, int]:
    name = cursor.word()
    cursor.space()
    return name, cursor.number64()
