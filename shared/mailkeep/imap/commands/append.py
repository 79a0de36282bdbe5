"""APPEND, with several messages in one command (RFC 3502), each sent or put together from parts (RFC 4469).

Message literals are streamed by the framer, so the parsed command may hold `StreamedLiteral` where the
octets were; `begin` parses what stands before such a literal, of APPEND and of REPLACE, so that the host can
refuse it unread.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from mailkeep.imap.commands.base import Command
from mailkeep.imap.encoder import date_time, flag_list, sent_astring, sent_literal, sent_mailbox
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.framing import LiteralRequest
from mailkeep.imap.lexer import Cursor
from mailkeep.imap.names import NameForm
from mailkeep.imap.sequence import SequenceSet


@dataclass(frozen=True, slots=True)
class StreamedLiteral:
    """Octets that went to the host in `LiteralChunk`s. `index` counts them within the command from 0."""

    size: int
    index: int


@dataclass(frozen=True, slots=True)
class CatText:
    """Octets of a message that is put together. `binary` says literal8; `utf8` says the UTF8 data of RFC 6855
    section 4."""

    content: bytes | StreamedLiteral = field(repr=False)
    binary: bool = False
    utf8: bool = False

    def encode(self) -> bytes:
        """`TEXT {n+} ...`."""
        octets = _encoded(self.content, binary=self.binary)
        return b"UTF8 (%b)" % octets if self.utf8 else b"TEXT " + octets


@dataclass(frozen=True, slots=True)
class CatUrl:
    """A message or a part of one, by its URL as it was sent."""

    url: str

    def encode(self) -> bytes:
        """`URL "..."`."""
        return b"URL " + sent_astring(self.url.encode("utf-8"))


CatPart = CatText | CatUrl


@dataclass(frozen=True, slots=True)
class AppendMessage:
    """One message of APPEND: its octets, or the parts to make it of. `flags` are wire names; `internal_date`
    is aware, None for now; `binary` and `utf8` as in CatText."""

    content: bytes | StreamedLiteral | tuple[CatPart, ...] = field(repr=False)
    flags: tuple[str, ...] = ()
    internal_date: datetime | None = None
    binary: bool = False
    utf8: bool = False

    def encode(self) -> bytes:
        """Flags, date and data. Raises ValueError if octets were streamed away."""
        words = [flag_list(self.flags)] if self.flags else []
        if self.internal_date is not None:
            words.append(date_time(self.internal_date))
        if isinstance(self.content, tuple):
            words.append(b"CATENATE (%b)" % b" ".join(part.encode() for part in self.content))
        else:
            octets = _encoded(self.content, binary=self.binary)
            words.append(b"UTF8 (%b)" % octets if self.utf8 else octets)
        return b" ".join(words)


def _encoded(content: bytes | StreamedLiteral, *, binary: bool) -> bytes:
    if isinstance(content, StreamedLiteral):
        raise ValueError("The octets of this message are not here.")
    return (b"~" if binary else b"") + sent_literal(content)


@dataclass(frozen=True, slots=True)
class Append(Command):
    """RFC 9051 section 6.3.12, RFC 3502."""

    name: ClassVar[str] = "APPEND"

    mailbox: str
    messages: tuple[AppendMessage, ...]

    def arguments(self, form: NameForm) -> bytes:
        """Mailbox and messages."""
        return b" ".join([sent_mailbox(self.mailbox, form), *(message.encode() for message in self.messages)])


@dataclass(frozen=True, slots=True)
class ReplacedMessage:
    """The one message that REPLACE takes away (RFC 8508 section 3)."""

    message: SequenceSet
    uid: bool = False


@dataclass(frozen=True, slots=True)
class AppendStart:
    """What is known when a message literal is announced: the host decides on it before any octet is sent.

    `index` is the message's place in the command; those before it have been streamed already. `is_part` says
    that the literal is one of the parts that the message is made of; `replaces` is REPLACE's alone.
    """

    tag: str
    mailbox: str
    flags: tuple[str, ...]
    internal_date: datetime | None
    size: int
    index: int
    binary: bool = False
    utf8: bool = False
    is_part: bool = False
    replaces: ReplacedMessage | None = None


def parse_append(tag: str, cursor: Cursor) -> Append:
    """`append` of RFC 9051 section 9, RFC 3502 section 6.3.11, RFC 4469 section 5, RFC 6855 section 4."""
    cursor.space()
    mailbox = cursor.mailbox()
    messages = [parse_message(cursor)]
    while not cursor.at_end():
        messages.append(parse_message(cursor))
    return Append(tag, mailbox, tuple(messages))


def parse_message(cursor: Cursor) -> AppendMessage:
    """`append-message` of RFC 4466 section 6, with the space before it."""
    message, is_whole = _message(cursor)
    if not is_whole:
        cursor.fail(")")
    return message


def parse_replaced(cursor: Cursor, *, uid: bool) -> ReplacedMessage:
    """`seq-number`, with the spaces around it."""
    cursor.space()
    message = cursor.sequence_set()
    if len(message.ranges) != 1 or message.ranges[0][0] != message.ranges[0][1]:
        raise ImapSyntaxError("REPLACE takes one message.")
    cursor.space()
    return ReplacedMessage(message, uid)


def begin(request: LiteralRequest, form: NameForm = NameForm.MODIFIED_UTF7) -> AppendStart:
    """What the command says before the announced message. Raises ImapSyntaxError with the tag; the host
    must `refuse` the literal then."""
    octets = request.octets + b"\r\n"
    cursor = Cursor(octets, form, (*request.streamed, len(octets)))
    try:
        return _begin(cursor)
    except ImapSyntaxError as error:
        error.tag = error.tag or request.tag
        raise


def _begin(cursor: Cursor) -> AppendStart:
    tag = cursor.tag()
    cursor.space()
    replaces = None
    if cursor.skip_word(b"APPEND"):
        cursor.space()
    else:
        replaces = _begin_replace(cursor)
    mailbox = cursor.mailbox()
    index, (message, _) = 0, _message(cursor)
    while not cursor.at_end():
        index, (message, _) = index + 1, _message(cursor)
    last = message.content[-1] if isinstance(message.content, tuple) else message
    if isinstance(last, CatUrl) or not isinstance(last.content, StreamedLiteral):
        cursor.fail("a literal")
    return AppendStart(
        tag,
        mailbox,
        message.flags,
        message.internal_date,
        last.content.size,
        index,
        last.binary,
        last.utf8,
        last is not message,
        replaces,
    )


def _begin_replace(cursor: Cursor) -> ReplacedMessage:
    uid = cursor.skip_word(b"UID")
    if uid:
        cursor.space()
    if not cursor.skip_word(b"REPLACE"):
        cursor.fail("APPEND or REPLACE")
    return parse_replaced(cursor, uid=uid)


def _message(cursor: Cursor) -> tuple[AppendMessage, bool]:
    """A message, and whether it is whole: if not, the octets end behind a literal within it."""
    cursor.space()
    flags: tuple[str, ...] = ()
    internal_date = None
    if cursor.next_is(b"("):
        flags = cursor.flag_list()
        cursor.space()
    if cursor.next_is(b'"'):
        internal_date = cursor.date_time()
        cursor.space()
    if cursor.next_is(b"{"):  # nearly always
        content, binary, is_whole = _literal(cursor, utf8=False)
        return AppendMessage(content, flags, internal_date, binary), is_whole
    if cursor.skip_word(b"CATENATE"):
        cursor.space()
        parts, is_whole = _parts(cursor)
        return AppendMessage(parts, flags, internal_date), is_whole
    utf8 = cursor.skip_word(b"UTF8")
    content, binary, is_whole = _literal(cursor, utf8=utf8)
    return AppendMessage(content, flags, internal_date, binary, utf8), is_whole


def _parts(cursor: Cursor) -> tuple[tuple[CatPart, ...], bool]:
    """`"(" cat-part *(SP cat-part) ")"` of RFC 4469 section 5."""
    parts: list[CatPart] = []
    cursor.expect(b"(")
    while True:
        part, is_whole = _part(cursor)
        parts.append(part)
        if not is_whole:
            return tuple(parts), False
        if not cursor.skip(b" "):
            cursor.expect(b")")
            return tuple(parts), True


def _part(cursor: Cursor) -> tuple[CatPart, bool]:
    word = cursor.word()
    if word == "URL":
        cursor.space()
        return CatUrl(cursor.text()), True
    if word == "TEXT":
        cursor.space()
    elif word != "UTF8":
        cursor.unknown("part of a message")
    content, binary, is_whole = _literal(cursor, utf8=word == "UTF8")
    return CatText(content, binary, word == "UTF8"), is_whole and not cursor.at_end()


def _literal(cursor: Cursor, *, utf8: bool) -> tuple[bytes | StreamedLiteral, bool, bool]:
    """(octets, literal8, whole); with `utf8` in the parentheses of `utf8-literal`."""
    if utf8:
        cursor.expect(b" (")
    octets, size, binary = cursor.message_literal()
    content = StreamedLiteral(size, cursor.streamed.index(cursor.at)) if octets is None else octets
    if utf8 and cursor.at_end():
        return content, binary, False
    if utf8:
        cursor.expect(b")")
    return content, binary, True
