"""LIST with LIST-EXTENDED, LIST-STATUS and SPECIAL-USE, LSUB, NAMESPACE."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, TypeVar

from mailkeep.imap.commands.base import Command
from mailkeep.imap.commands.mailbox import StatusItem, encode_status_items, parse_status_items
from mailkeep.imap.commands.metadata import encode_entries, parse_entries
from mailkeep.imap.encoder import sent_astring, sent_mailbox
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.lexer import Cursor
from mailkeep.imap.names import NameForm, encode_name

T = TypeVar("T")
E = TypeVar("E", bound=Enum)


class SelectOption(Enum):
    """RFC 9051 section 6.3.9.1, RFC 6154 section 4."""

    SUBSCRIBED = "SUBSCRIBED"
    REMOTE = "REMOTE"
    RECURSIVEMATCH = "RECURSIVEMATCH"
    SPECIAL_USE = "SPECIAL-USE"


class ReturnOption(Enum):
    """RFC 9051 section 6.3.9.2, RFC 6154 section 4, RFC 8440; STATUS has its own field."""

    SUBSCRIBED = "SUBSCRIBED"
    CHILDREN = "CHILDREN"
    SPECIAL_USE = "SPECIAL-USE"
    MYRIGHTS = "MYRIGHTS"


@dataclass(frozen=True, slots=True)
class List(Command):
    """RFC 9051 section 6.3.9. `extended` says that the client used extended syntax: several patterns,
    selection or return options; an empty pattern then has no special meaning."""

    name: ClassVar[str] = "LIST"

    reference: str
    patterns: tuple[str, ...]
    select: tuple[SelectOption, ...] = ()
    returns: tuple[ReturnOption, ...] = ()
    status: tuple[StatusItem, ...] = ()  # RETURN (STATUS (...)), RFC 5819
    extended: bool = False
    metadata: tuple[str, ...] = ()  # RETURN (METADATA (...)), RFC 9590: entries as spelled

    def arguments(self, form: NameForm) -> bytes:
        """Options, reference, patterns, return options."""
        patterns = b" ".join(sent_astring(encode_name(pattern, form)) for pattern in self.patterns)
        words = [sent_mailbox(self.reference, form), patterns]
        if self.select:
            words.insert(0, b"(%b)" % _names(self.select))
        if self.extended:
            words[-1] = b"(%b)" % patterns
        returned = [_names(self.returns)] if self.returns else []
        if self.status:
            returned.append(b"STATUS " + encode_status_items(self.status))
        if self.metadata:
            returned.append(b"METADATA " + encode_entries(self.metadata))
        if returned:
            words.append(b"RETURN (%b)" % b" ".join(returned))
        return b" ".join(words)


@dataclass(frozen=True, slots=True)
class Lsub(Command):
    """RFC 3501 section 6.3.9."""

    name: ClassVar[str] = "LSUB"

    reference: str
    pattern: str

    def arguments(self, form: NameForm) -> bytes:
        """Reference and pattern."""
        return b"%b %b" % (
            sent_mailbox(self.reference, form),
            sent_astring(encode_name(self.pattern, form)),
        )


@dataclass(frozen=True, slots=True)
class Namespace(Command):
    """RFC 9051 section 6.3.10."""

    name: ClassVar[str] = "NAMESPACE"


def parse_list(tag: str, cursor: Cursor) -> List:
    """`list` of RFC 9051 section 9."""
    cursor.space()
    select: tuple[SelectOption, ...] = ()
    extended = cursor.next_is(b"(")
    if extended:
        select = _option_list(cursor, lambda: _option(cursor, _SELECT_OPTIONS))
        cursor.space()
        if SelectOption.RECURSIVEMATCH in select and _NOT_ALONE.issuperset(select):
            raise ImapSyntaxError("RECURSIVEMATCH needs an option that it modifies.")
    reference = cursor.mailbox()
    cursor.space()
    patterns, several = _patterns(cursor)
    if cursor.at_end():
        return List(tag, reference, patterns, select, extended=extended or several)
    returned = _returns(cursor)
    return List(
        tag,
        reference,
        patterns,
        select,
        returned.options,
        returned.status,
        extended=True,
        metadata=returned.metadata,
    )


def parse_lsub(tag: str, cursor: Cursor) -> Lsub:
    """`lsub` of RFC 3501 section 9."""
    cursor.space()
    reference = cursor.mailbox()
    cursor.space()
    return Lsub(tag, reference, cursor.list_mailbox())


def _patterns(cursor: Cursor) -> tuple[tuple[str, ...], bool]:
    if cursor.next_is(b"("):
        return cursor.list_of(cursor.list_mailbox), True
    return (cursor.list_mailbox(),), False


@dataclass(frozen=True, slots=True)
class _Returned:
    """What RETURN asks for; one option's or all options'."""

    options: tuple[ReturnOption, ...] = ()
    status: tuple[StatusItem, ...] = ()
    metadata: tuple[str, ...] = ()


def _returns(cursor: Cursor) -> _Returned:
    cursor.space()
    if not cursor.skip_word(b"RETURN"):
        cursor.fail("RETURN")
    cursor.space()
    asked = _option_list(cursor, lambda: _return_option(cursor))
    return _Returned(
        tuple(option for one in asked for option in one.options),
        tuple(dict.fromkeys(item for one in asked for item in one.status)),
        tuple(dict.fromkeys(entry for one in asked for entry in one.metadata)),
    )


def _return_option(cursor: Cursor) -> _Returned:
    if cursor.skip_word(b"STATUS"):
        cursor.space()
        return _Returned(status=parse_status_items(cursor))
    if cursor.skip_word(b"METADATA"):
        cursor.space()
        return _Returned(metadata=parse_entries(cursor))
    return _Returned((_option(cursor, _RETURN_OPTIONS),))


def _option_list(cursor: Cursor, item: Callable[[], T]) -> tuple[T, ...]:
    return () if cursor.skip(b"()") else tuple(dict.fromkeys(cursor.list_of(item)))


def _option(cursor: Cursor, known: Mapping[str, E]) -> E:
    option = known.get(cursor.word())
    if option is None:
        cursor.unknown("option of LIST")
    return option


def _names(options: tuple[SelectOption, ...] | tuple[ReturnOption, ...]) -> bytes:
    return " ".join(option.value for option in options).encode("ascii")


_NOT_ALONE = {SelectOption.RECURSIVEMATCH, SelectOption.REMOTE}  # RFC 9051 section 6.3.9.1
_SELECT_OPTIONS = {option.value: option for option in SelectOption}
_RETURN_OPTIONS = {option.value: option for option in ReturnOption}
