"""APPEND, with several messages in one command (RFC 3502).

Message literals are streamed by the framer, so the parsed command may hold `StreamedLiteral` where the
octets were; `begin` parses what stands before such a literal, so that the host can refuse it unread.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from mailkeep.imap.commands.base import Command
from mailkeep.imap.encoder import date_time, flag_list, sent_literal, sent_mailbox
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.framing import LiteralRequest
from mailkeep.imap.lexer import Cursor
from mailkeep.imap.names import NameForm


@dataclass(frozen=True, slots=True)
class StreamedLiteral:
    """Octets that went to the host in `LiteralChunk`s. `index` counts them within the command from 0."""

    size: int
    index: int


@dataclass(frozen=True, slots=True)
class AppendMessage:
    """One message of APPEND. `flags` are wire names; `internal_date` is aware, None for now; `binary` says
    literal8 (RFC 3516 section 4.4); `utf8` says the UTF8 data of RFC 6855 section 4."""

    content: bytes | StreamedLiteral = field(repr=False)
    flags: tuple[str, ...] = ()
    internal_date: datetime | None = None
    binary: bool = False
    utf8: bool = False

    def encode(self) -> bytes:
        """Flags, date and literal. Raises ValueError if the octets were streamed away."""
        if isinstance(self.content, StreamedLiteral):
            raise ValueError("The octets of this message are not here.")
        words = [flag_list(self.flags)] if self.flags else []
        if self.internal_date is not None:
            words.append(date_time(self.internal_date))
        octets = (b"~" if self.binary else b"") + sent_literal(self.content)
        words.append(b"UTF8 (%b)" % octets if self.utf8 else octets)
        return b" ".join(words)


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
class AppendStart:
    """What is known when a message literal is announced: the host decides on it before any octet is sent.

    `index` is the message's place in the command; those before it have been streamed already.
    """

    tag: str
    mailbox: str
    flags: tuple[str, ...]
    internal_date: datetime | None
    size: int
    index: int
    binary: bool = False
    utf8: bool = False


def parse_append(tag: str, cursor: Cursor) -> Append:
    """`append` of RFC 9051 section 9, RFC 3502 section 6.3.11, RFC 6855 section 4."""
    cursor.space()
    mailbox = cursor.mailbox()
    messages = [_message(cursor)]
    while not cursor.at_end():
        messages.append(_message(cursor))
    return Append(tag, mailbox, tuple(messages))


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
    if not cursor.skip_word(b"APPEND"):
        cursor.fail("APPEND")
    cursor.space()
    mailbox = cursor.mailbox()
    index = 0
    while True:
        flags, internal_date, utf8 = _head(cursor)
        _, size, binary = cursor.message_literal()
        if cursor.at_end():
            return AppendStart(tag, mailbox, flags, internal_date, size, index, binary, utf8)
        if utf8:
            cursor.expect(b")")
        index += 1


def _head(cursor: Cursor) -> tuple[tuple[str, ...], datetime | None, bool]:
    cursor.space()
    flags: tuple[str, ...] = ()
    internal_date = None
    if cursor.next_is(b"("):
        flags = cursor.flag_list()
        cursor.space()
    if cursor.next_is(b'"'):
        internal_date = cursor.date_time()
        cursor.space()
    utf8 = cursor.skip_word(b"UTF8")
    if utf8:
        cursor.expect(b" (")
    return flags, internal_date, utf8


def _message(cursor: Cursor) -> AppendMessage:
    flags, internal_date, utf8 = _head(cursor)
    octets, size, binary = cursor.message_literal()
    content = StreamedLiteral(size, cursor.streamed.index(cursor.at)) if octets is None else octets
    if utf8:
        cursor.expect(b")")
    return AppendMessage(content, flags, internal_date, binary, utf8)
