"""What belongs to a mailbox beside its messages: rights, annotations and quotas."""

from __future__ import annotations

from dataclasses import dataclass

from mailkeep.imap.encoder import astring, mailbox, nstring8
from mailkeep.imap.names import LEGACY, NameForm


@dataclass(frozen=True, slots=True)
class AclData:
    """RFC 4314 section 3.6. Identifiers with their rights, as letters."""

    mailbox: str
    grants: tuple[tuple[str, str], ...] = ()

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        words = [astring(word.encode("utf-8")) for grant in self.grants for word in grant]
        return b"* ACL %b\r\n" % b" ".join((mailbox(self.mailbox, form), *words))


@dataclass(frozen=True, slots=True)
class ListRightsData:
    """RFC 4314 section 3.7. `required` the identifier has anyway; each of `optional` is granted whole."""

    mailbox: str
    identifier: str
    required: str = ""
    optional: tuple[str, ...] = ()

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        words = [astring(word.encode("utf-8")) for word in (self.identifier, self.required, *self.optional)]
        return b"* LISTRIGHTS %b\r\n" % b" ".join((mailbox(self.mailbox, form), *words))


@dataclass(frozen=True, slots=True)
class MyRightsData:
    """RFC 4314 section 3.8; also within LIST (RFC 8440)."""

    mailbox: str
    rights: str

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        return b"* MYRIGHTS %b %b\r\n" % (
            mailbox(self.mailbox, form),
            astring(self.rights.encode("ascii")),
        )


@dataclass(frozen=True, slots=True)
class MetadataData:
    """RFC 5464 section 4.4.1. An empty mailbox is the server; None is NIL."""

    mailbox: str
    entries: tuple[tuple[str, bytes | None], ...]

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The response, literals in place."""
        entries = [
            b"%b %b" % (astring(name.encode("ascii")), nstring8(value)) for name, value in self.entries
        ]
        return b"* METADATA %b (%b)\r\n" % (mailbox(self.mailbox, form), b" ".join(entries))


@dataclass(frozen=True, slots=True)
class MetadataChanged:
    """RFC 5464 section 4.4.2: entries that somebody has changed, without their values."""

    mailbox: str
    entries: tuple[str, ...]

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        entries = b" ".join(astring(name.encode("ascii")) for name in self.entries)
        return b"* METADATA %b %b\r\n" % (mailbox(self.mailbox, form), entries)


@dataclass(frozen=True, slots=True)
class QuotaResource:
    """One resource of a quota root: STORAGE in units of 1024 octets, MESSAGE in messages."""

    name: str
    usage: int
    limit: int


@dataclass(frozen=True, slots=True)
class QuotaData:
    """RFC 9208 section 4.2.1."""

    root: str
    resources: tuple[QuotaResource, ...]

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        resources = " ".join(f"{one.name} {one.usage} {one.limit}" for one in self.resources)
        return b"* QUOTA %b (%b)\r\n" % (astring(self.root.encode("utf-8")), resources.encode("ascii"))


@dataclass(frozen=True, slots=True)
class QuotaRootData:
    """RFC 9208 section 4.3.1."""

    mailbox: str
    roots: tuple[str, ...] = ()

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        roots = [astring(root.encode("utf-8")) for root in self.roots]
        return b"* QUOTAROOT %b\r\n" % b" ".join((mailbox(self.mailbox, form), *roots))
