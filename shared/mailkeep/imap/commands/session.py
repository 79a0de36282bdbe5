"""Commands about the connection itself: CAPABILITY, NOOP, LOGOUT, ID, ENABLE, STARTTLS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from mailkeep.imap.commands.base import Command
from mailkeep.imap.encoder import sent_string
from mailkeep.imap.errors import ImapLimitExceeded
from mailkeep.imap.lexer import Cursor
from mailkeep.imap.names import NameForm

ID_PAIRS_LIMIT = 30  # RFC 2971 section 3.3
ID_FIELD_LIMIT = 30  # octets, the same section
ID_VALUE_LIMIT = 1024  # octets, the same section


@dataclass(frozen=True, slots=True)
class Capability(Command):
    """RFC 9051 section 6.1.1."""

    name: ClassVar[str] = "CAPABILITY"


@dataclass(frozen=True, slots=True)
class Noop(Command):
    """RFC 9051 section 6.1.2."""

    name: ClassVar[str] = "NOOP"


@dataclass(frozen=True, slots=True)
class Logout(Command):
    """RFC 9051 section 6.1.3."""

    name: ClassVar[str] = "LOGOUT"


@dataclass(frozen=True, slots=True)
class StartTls(Command):
    """RFC 9051 section 6.2.1."""

    name: ClassVar[str] = "STARTTLS"


@dataclass(frozen=True, slots=True)
class Id(Command):
    """RFC 2971 section 3.1: field-value pairs as sent; None for ID NIL. A value may be None."""

    name: ClassVar[str] = "ID"

    parameters: tuple[tuple[str, str | None], ...] | None

    def arguments(self, form: NameForm) -> bytes:
        """`id-params-list`."""
        return encode_parameters(self.parameters, sent_string)


@dataclass(frozen=True, slots=True)
class Enable(Command):
    """RFC 9051 section 6.3.1: capability names in upper case."""

    name: ClassVar[str] = "ENABLE"

    capabilities: tuple[str, ...]

    def arguments(self, form: NameForm) -> bytes:
        """The names."""
        return " ".join(self.capabilities).encode("ascii")


@dataclass(frozen=True, slots=True)
class Unauthenticate(Command):
    """RFC 8437 section 2."""

    name: ClassVar[str] = "UNAUTHENTICATE"


@dataclass(frozen=True, slots=True)
class Compress(Command):
    """RFC 4978 section 3: `algorithm` in upper case, DEFLATE being the only one."""

    name: ClassVar[str] = "COMPRESS"

    algorithm: str

    def arguments(self, form: NameForm) -> bytes:
        """The algorithm."""
        return self.algorithm.encode("ascii")


def parse_id(tag: str, cursor: Cursor) -> Id:
    """`id` of RFC 2971 section 4."""
    cursor.space()
    return Id(tag, parse_parameters(cursor))


def parse_enable(tag: str, cursor: Cursor) -> Enable:
    """`enable` of RFC 9051 section 9."""
    names = []
    while not cursor.at_end():
        cursor.space()
        names.append(cursor.word())
    if not names:
        cursor.fail("a capability")
    return Enable(tag, tuple(names))


def parse_compress(tag: str, cursor: Cursor) -> Compress:
    """`compress` of RFC 4978 section 4."""
    cursor.space()
    return Compress(tag, cursor.word())


def parse_parameters(cursor: Cursor) -> tuple[tuple[str, str | None], ...] | None:
    """`id-params-list`; `()` is taken as an empty list."""
    if cursor.skip_word(b"NIL"):
        return None
    if cursor.skip(b"()"):
        return ()
    pairs = cursor.list_of(lambda: _parse_pair(cursor))
    if len(pairs) > ID_PAIRS_LIMIT:
        raise ImapLimitExceeded(f"ID takes at most {ID_PAIRS_LIMIT} fields.")
    return pairs


def encode_parameters(
    parameters: tuple[tuple[str, str | None], ...] | None, encode: Callable[[bytes], bytes]
) -> bytes:
    """`id-params-list`; `encode` makes a string as a client or as a server sends it."""
    if parameters is None:
        return b"NIL"
    strings = (part for pair in parameters for part in pair)
    encoded = (b"NIL" if part is None else encode(part.encode("utf-8")) for part in strings)
    return b"(%b)" % b" ".join(encoded)


def _parse_pair(cursor: Cursor) -> tuple[str, str | None]:
    field = cursor.string()
    cursor.space()
    value = cursor.nstring()
    if len(field) > ID_FIELD_LIMIT or len(value or b"") > ID_VALUE_LIMIT:
        raise ImapLimitExceeded(f"An ID field has at most {ID_FIELD_LIMIT} octets, a value {ID_VALUE_LIMIT}.")
    return _readable(field), None if value is None else _readable(value)


def _readable(octets: bytes) -> str:
    """For people only (RFC 2971 section 3.3 forbids acting on it), so no reason to refuse a charset."""
    return octets.decode("utf-8", "replace")
