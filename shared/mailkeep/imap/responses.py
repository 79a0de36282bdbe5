"""What a server says, as frozen values that encode themselves (RFC 9051 section 7).

The functions at the end are the same without a value in between, for status lines that are made once a
command. FETCH, the one response that is made by the thousand, is joined by render.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum

from mailkeep.imap.commands.mailbox import StatusItem
from mailkeep.imap.commands.session import encode_parameters
from mailkeep.imap.encoder import (
    astring,
    flag_list,
    literal,
    mailbox,
    nstring8,
    quoted,
    string,
    uid_sequence,
    uid_set,
)
from mailkeep.imap.names import NameForm
from mailkeep.imap.thread_data import ThreadData
from mailkeep.model.uids import UidSet

LEGACY = NameForm.MODIFIED_UTF7

_UNFIT = re.compile(r"[^\x20-\x7e]+")  # resp-text of an IMAP4rev1 client is TEXT-CHAR


class Condition(Enum):
    """RFC 9051 section 7.1."""

    OK = "OK"
    NO = "NO"
    BAD = "BAD"
    PREAUTH = "PREAUTH"
    BYE = "BYE"


@dataclass(frozen=True, slots=True)
class StatusResponse:
    """Tagged, or untagged if `tag` is None. `code` is a response code without brackets, b"" for none."""

    condition: Condition
    text: str
    code: bytes = b""
    tag: str | None = None

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        return tagged(self.tag, self.condition.value.encode("ascii"), self.text, self.code)


@dataclass(frozen=True, slots=True)
class Continuation:
    """`+ text`; for SASL, base64."""

    text: str = ""

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        return continuation(self.text)


@dataclass(frozen=True, slots=True)
class CapabilityData:
    """RFC 9051 section 7.2.2."""

    capabilities: tuple[str, ...]

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        return f"* CAPABILITY {' '.join(self.capabilities)}\r\n".encode("ascii")


@dataclass(frozen=True, slots=True)
class EnabledData:
    """RFC 9051 section 7.2.1; empty if nothing new was enabled."""

    capabilities: tuple[str, ...] = ()

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        return " ".join(("* ENABLED", *self.capabilities)).encode("ascii") + b"\r\n"


@dataclass(frozen=True, slots=True)
class IdData:
    """RFC 2971 section 3.2; None is NIL."""

    parameters: tuple[tuple[str, str | None], ...] | None

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        return b"* ID %b\r\n" % encode_parameters(self.parameters, string)


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


@dataclass(frozen=True, slots=True)
class SearchData:
    """RFC 3501 section 7.2.5; `modseq` by RFC 7162 section 3.1.5. SORT (RFC 5256) has the same form."""

    numbers: tuple[int, ...] = ()
    modseq: int | None = None
    sort: bool = False

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        words = ["* SORT" if self.sort else "* SEARCH", *map(str, self.numbers)]
        if self.modseq is not None:
            words.append(f"(MODSEQ {self.modseq})")
        return " ".join(words).encode("ascii") + b"\r\n"


@dataclass(frozen=True, slots=True)
class EsearchData:
    """RFC 9051 section 7.3.6. What was not asked for, or has no value, is None. `partial` is the range as
    asked and what it holds, or None for NIL (RFC 9394 section 3.1). Where SORT's order matters, `in_order`
    takes the place of ALL's set, and numbers that of PARTIAL's (RFC 5267 section 3.1)."""

    tag: str | None = None
    uid: bool = False
    minimum: int | None = None
    maximum: int | None = None
    all: UidSet | None = None
    count: int | None = None
    modseq: int | None = None
    partial: tuple[str, UidSet | tuple[int, ...] | None] | None = None
    in_order: tuple[int, ...] = ()
    mailbox: str | None = None  # with uidvalidity, of ESEARCH in several mailboxes (RFC 7377 section 2.1)
    uidvalidity: int | None = None
    add_to: tuple[tuple[int, UidSet], ...] = ()  # (context position, what comes; RFC 5267 section 4.3.3)
    remove_from: tuple[tuple[int, UidSet], ...] = ()

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        words = [b"* ESEARCH"]
        correlators = self._correlators(form)
        if correlators:
            words.append(b"(%b)" % b" ".join(correlators))
        if self.uid:
            words.append(b"UID")
        for word, number in ((b"MIN", self.minimum), (b"MAX", self.maximum), (b"COUNT", self.count)):
            if number is not None:
                words.append(b"%b %d" % (word, number))
        if self.all:
            words.append(b"ALL " + uid_set(self.all))
        elif self.in_order:
            words.append(b"ALL " + uid_sequence(self.in_order))
        if self.partial is not None:
            words.append(b"PARTIAL (%b %b)" % (self.partial[0].encode("ascii"), _results(self.partial[1])))
        for word, moved in ((b"REMOVEFROM", self.remove_from), (b"ADDTO", self.add_to)):
            if moved:
                words.append(b"%b (%b)" % (word, b" ".join(b"%d %b" % (at, uid_set(m)) for at, m in moved)))
        if self.modseq is not None:
            words.append(b"MODSEQ %d" % self.modseq)
        return b" ".join(words) + b"\r\n"

    def _correlators(self, form: NameForm) -> list[bytes]:
        words = []
        if self.tag is not None:
            words.append(b"TAG " + quoted(self.tag.encode("ascii")))
        if self.mailbox is not None:
            words.append(b"MAILBOX " + mailbox(self.mailbox, form))
        if self.uidvalidity is not None:
            words.append(b"UIDVALIDITY %d" % self.uidvalidity)
        return words


@dataclass(frozen=True, slots=True)
class GenUrlAuthData:
    """RFC 4467 section 8: URLs with their tokens, in the order asked."""

    urls: tuple[str, ...] = field(repr=False)

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The line."""
        return b"* GENURLAUTH %b\r\n" % b" ".join(string(url.encode("utf-8")) for url in self.urls)


@dataclass(frozen=True, slots=True)
class UrlFetchData:
    """RFC 4467 section 8: what a URL leads to, None for nothing."""

    url: str = field(repr=False)
    octets: bytes | None = field(repr=False)

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The response, a literal in place."""
        value = b"NIL" if self.octets is None else literal(self.octets)
        return b"* URLFETCH %b %b\r\n" % (string(self.url.encode("utf-8")), value)


@dataclass(frozen=True, slots=True)
class FetchData:
    """RFC 9051 section 7.5.2: (label, value) pairs, values as ready octets. With `uid` it is UIDFETCH, and
    `number` a UID (RFC 9586 section 3.3)."""

    number: int
    items: tuple[tuple[bytes, bytes], ...]
    uid: bool = False

    def encode(self, form: NameForm = LEGACY) -> bytes:
        """The response, literals in place."""
        items = b" ".join(b"%b %b" % item for item in self.items)
        return b"* %d %b (%b)\r\n" % (self.number, b"UIDFETCH" if self.uid else b"FETCH", items)


Response = (
    StatusResponse
    | Continuation
    | CapabilityData
    | EnabledData
    | IdData
    | FlagsData
    | CountData
    | VanishedData
    | ListData
    | StatusData
    | NamespaceData
    | AclData
    | ListRightsData
    | MyRightsData
    | MetadataData
    | MetadataChanged
    | QuotaData
    | QuotaRootData
    | SearchData
    | EsearchData
    | ThreadData
    | GenUrlAuthData
    | UrlFetchData
    | FetchData
)


# --- status lines -----------------------------------------------------------------------------------


def tagged(tag: str | None, condition: bytes, text: str, code: bytes = b"") -> bytes:
    """`A1 OK [CODE] text`; untagged if the tag is not known. Text that cannot stand in a line is replaced."""
    prefix = b"*" if tag is None else tag.encode("ascii")
    line = resp_text(text)
    if code:
        return b"%b %b [%b] %b\r\n" % (prefix, condition, code, line)
    return b"%b %b %b\r\n" % (prefix, condition, line)


def untagged_ok(text: str, code: bytes = b"") -> bytes:
    """`* OK [CODE] text`."""
    return tagged(None, b"OK", text, code)


def bye(text: str, code: bytes = b"") -> bytes:
    """`* BYE [CODE] text`."""
    return tagged(None, b"BYE", text, code)


def continuation(text: str = "") -> bytes:
    """`+ text`. The space stands even before nothing (RFC 9051 section 7.6)."""
    return b"+ %b\r\n" % _UNFIT.sub("?", text).encode("ascii")


def resp_text(text: str) -> bytes:
    """Text for a status line: never empty, never mistaken for a code."""
    line = _UNFIT.sub("?", text).strip() or "Done."
    return (f"({line})" if line.startswith("[") else line).encode("ascii")


def _status_value(value: int | str | None) -> str:
    if value is None:
        return "NIL"
    return f"({value})" if isinstance(value, str) else str(value)


def _results(found: UidSet | tuple[int, ...] | None) -> bytes:
    if not found:
        return b"NIL"
    return uid_set(found) if isinstance(found, UidSet) else uid_sequence(found)


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
