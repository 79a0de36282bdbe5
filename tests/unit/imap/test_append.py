"""APPEND: what stands before a message, and the command when all of its octets have gone by."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.support.imap_parsing import parsed, refused

from mailkeep.imap.commands.append import (
    Append,
    AppendMessage,
    AppendStart,
    CatText,
    CatUrl,
    ReplacedMessage,
    StreamedLiteral,
    begin,
)
from mailkeep.imap.commands.replace import Replace
from mailkeep.imap.errors import ImapSyntaxError, MailboxNameInvalid
from mailkeep.imap.framing import CommandLine, Framer, LiteralChunk, LiteralRequest
from mailkeep.imap.names import NameForm
from mailkeep.imap.parser import parse
from mailkeep.imap.sequence import STAR, SequenceSet

MOMENT = datetime(1994, 2, 7, 21, 52, 25, tzinfo=UTC)


def announced(octets: bytes) -> tuple[Framer, LiteralRequest]:
    framer = Framer()
    framer.literal8 = True
    framer.receive_data(octets)
    request = framer.next_event()
    assert isinstance(request, LiteralRequest)
    return framer, request


def stream(framer: Framer, octets: bytes) -> None:
    framer.accept()
    framer.receive_data(octets)
    assert isinstance(framer.next_event(), LiteralChunk)


def test_append_rfc9051_6_3_12() -> None:
    line = '"saved messages" (\\Seen $Work) " 7-Feb-1994 13:52:25 -0800" {3}\r\nabc'
    assert parsed(f"APPEND {line}") == Append(
        "A", "saved messages", (AppendMessage(b"abc", ("\\Seen", "$Work"), MOMENT),)
    )
    assert parsed("APPEND x {3+}\r\nabc") == Append("A", "x", (AppendMessage(b"abc"),))
    assert parsed("APPEND x () {3+}\r\nabc") == Append("A", "x", (AppendMessage(b"abc"),))


def test_several_messages_rfc3502_6_3_11() -> None:
    assert parsed("APPEND x (\\Seen) {3}\r\nabc (\\Draft) {2+}\r\nde {0}\r\n") == Append(
        "A",
        "x",
        (AppendMessage(b"abc", ("\\Seen",)), AppendMessage(b"de", ("\\Draft",)), AppendMessage(b"")),
    )


def test_literal8_and_utf8_data_rfc3516_4_4_rfc6855_4() -> None:
    assert parsed(b"APPEND x ~{3}\r\n\0\0\0") == Append("A", "x", (AppendMessage(b"\0\0\0", binary=True),))
    assert parsed("APPEND x (\\Seen) UTF8 (~{3+}\r\nabc)") == Append(
        "A", "x", (AppendMessage(b"abc", ("\\Seen",), binary=True, utf8=True),)
    )


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "x",
        'x "abc"',
        "x abc",
        "x (\\Seen){3}\r\nabc",
        "(\\Seen) x {3}\r\nabc",
        'x "yesterday" {3}\r\nabc',
        '"x" " 7-Feb-1994 13:52:25 -0800" (\\Seen) {3}\r\nabc',
        "x {3}\r\nabc ",
        "x {3}\r\nabc (\\Seen)",
        "x {3}\r\nabcd",
        "x UTF8 (~{3}\r\nabc",
    ],
)
def test_what_is_no_append(arguments: str) -> None:
    refused(f"APPEND {arguments}")


def test_the_host_hears_of_a_message_before_it_is_sent() -> None:
    _, request = announced(b'A1 APPEND Entw&APw-rfe (\\Seen) " 7-Feb-1994 13:52:25 -0800" {310}\r\n')
    assert begin(request) == AppendStart("A1", "Entwürfe", ("\\Seen",), MOMENT, 310, 0)


def test_and_of_each_that_follows_rfc3502() -> None:
    framer, request = announced(b"A1 APPEND {1+}\r\nx {3}\r\n")
    assert begin(request) == AppendStart("A1", "x", (), None, 3, 0)
    stream(framer, b"abc UTF8 (~{4}\r\n")
    request = framer.next_event()  # type: ignore[assignment]
    assert begin(request) == AppendStart("A1", "x", (), None, 4, 1, binary=True, utf8=True)
    stream(framer, b"defg) (\\Draft) {5}\r\n")
    request = framer.next_event()  # type: ignore[assignment]
    assert begin(request) == AppendStart("A1", "x", ("\\Draft",), None, 5, 2)
    stream(framer, b"hijkl\r\n")
    line = framer.next_event()
    assert isinstance(line, CommandLine)
    assert parse(line.octets, streamed=line.streamed) == Append(
        "A1",
        "x",
        (
            AppendMessage(StreamedLiteral(3, 0)),
            AppendMessage(StreamedLiteral(4, 1), binary=True, utf8=True),
            AppendMessage(StreamedLiteral(5, 2), ("\\Draft",)),
        ),
    )


def test_a_message_of_parts_rfc4469_5() -> None:
    line = b'A1 APPEND x (\\Draft) CATENATE (URL "/a/;UID=1" TEXT {3}\r\n'
    framer, request = announced(line)
    assert begin(request) == AppendStart("A1", "x", ("\\Draft",), None, 3, 0, is_part=True)
    stream(framer, b"abc URL {9+}\r\n/a/;UID=2 UTF8 (~{2}\r\n")
    request = framer.next_event()  # type: ignore[assignment]
    assert begin(request) == AppendStart(
        "A1", "x", ("\\Draft",), None, 2, 0, binary=True, utf8=True, is_part=True
    )
    stream(framer, b"de)) {4}\r\n")
    request = framer.next_event()  # type: ignore[assignment]
    assert begin(request) == AppendStart("A1", "x", (), None, 4, 1)
    stream(framer, b"fghi\r\n")
    end = framer.next_event()
    assert isinstance(end, CommandLine)
    parts = (
        CatUrl("/a/;UID=1"),
        CatText(StreamedLiteral(3, 0)),
        CatUrl("/a/;UID=2"),
        CatText(StreamedLiteral(2, 1), binary=True, utf8=True),
    )
    assert parse(end.octets, streamed=end.streamed) == Append(
        "A1", "x", (AppendMessage(parts, ("\\Draft",)), AppendMessage(StreamedLiteral(4, 2)))
    )


@pytest.mark.parametrize(
    "arguments",
    [
        "()",
        "(TEXT {1}\r\na",
        "(TEXT)",
        "(URL)",
        "(URL x TEXT)",
        "(TEXT {1}\r\na )",
        "TEXT {1}\r\na",
        "(UTF8 {1}\r\na)",
    ],
)
def test_what_is_no_message_of_parts(arguments: str) -> None:
    refused(f"APPEND x CATENATE {arguments}")


def test_replace_rfc8508_5() -> None:
    _, request = announced(b"A1 uid replace 17 x (\\Seen) {3}\r\n")
    replaced = ReplacedMessage(SequenceSet(((17, 17),)), uid=True)
    assert begin(request) == AppendStart("A1", "x", ("\\Seen",), None, 3, 0, replaces=replaced)
    assert parsed("REPLACE * x {3+}\r\nabc") == Replace(
        "A", ReplacedMessage(SequenceSet(((STAR, STAR),))), "x", AppendMessage(b"abc")
    )
    for number in ("1:2", "1,2", "$", "0", ""):
        refused(f"REPLACE {number} x {{3}}\r\nabc")
    refused("REPLACE 1 x {3}\r\nabc {3}\r\nabc")


@pytest.mark.parametrize(
    "octets",
    [
        b"A1 APPEND x (\\Seen {3}\r\n",
        b'A1 APPEND x "soon" {3}\r\n',
        b"A1 APPEND x CATENATE (TEXT  {3}\r\n",
        b"A1 APPEND x CATENATE (HTML {3}\r\n",
        b"A1 APPEND x  {3}\r\n",
        b"A1 REPLACE 4:5 x {3}\r\n",
    ],
)
def test_a_message_behind_bad_syntax_can_be_refused_unsent(octets: bytes) -> None:
    _, request = announced(octets)
    with pytest.raises(ImapSyntaxError) as caught:
        begin(request)
    assert caught.value.tag == "A1"


def test_the_mailbox_name_follows_the_form_of_the_session() -> None:
    _, request = announced(b"A1 APPEND Entw\xc3\xbcrfe {3}\r\n")
    assert begin(request, NameForm.UTF8).mailbox == "Entwürfe"
    with pytest.raises(MailboxNameInvalid):
        begin(request)


def test_a_client_cannot_pretend_that_octets_were_streamed() -> None:
    refused("APPEND x {3}\r\n")


def test_what_was_streamed_away_cannot_be_encoded() -> None:
    with pytest.raises(ValueError, match="not here"):
        AppendMessage(StreamedLiteral(3, 0)).encode()
