"""Command lines: RFC 5321 sections 2.3.8 and 4.5.3.1.4, RFC 4954 section 4."""

from __future__ import annotations

import pytest

from mailkeep.errors import PeerError
from mailkeep.smtp.errors import AuthenticationLineTooLong, BareLineEnd, ChunkSyntax, LineTooLong
from mailkeep.smtp.lines import AUTH_LINE_LIMIT, COMMAND_LINE_LIMIT, LineReader


def lines_of(reader: LineReader) -> list[bytes | type[PeerError]]:
    """Every line that has ended, and the class of the error where one is bad."""
    found: list[bytes | type[PeerError]] = []
    while True:
        try:
            line = reader.next_line()
        except PeerError as error:
            found.append(type(error))
            continue
        if line is None:
            return found
        found.append(line)


def test_pipelined_commands_come_one_by_one() -> None:
    reader = LineReader()
    reader.feed(b"MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDA")
    assert lines_of(reader) == [b"MAIL FROM:<>", b"RCPT TO:<a@b>"]
    reader.feed(b"TA\r\n")
    assert lines_of(reader) == [b"DATA"]
    assert reader.pending == 0


@pytest.mark.parametrize("line", [b"NOOP\n", b"NO\rOP\r\n", b"NOOP\r\r\n"])
def test_other_line_ends_are_answered_not_obeyed(line: bytes) -> None:
    reader = LineReader()
    reader.feed(line + b"QUIT\r\n")
    assert lines_of(reader) == [BareLineEnd, b"QUIT"]


def test_a_line_at_the_limit_and_one_past_it() -> None:
    reader = LineReader()
    reader.feed(b"N" * (COMMAND_LINE_LIMIT - 2) + b"\r\n")
    assert lines_of(reader) == [b"N" * (COMMAND_LINE_LIMIT - 2)]
    reader.feed(b"N" * (COMMAND_LINE_LIMIT - 1) + b"\r\nNOOP\r\n")
    assert lines_of(reader) == [LineTooLong, b"NOOP"]


@pytest.mark.parametrize(
    "line", [b"BDAT 4\n", b"bdat 4\r \r\n", b"BDAT" + b" " * COMMAND_LINE_LIMIT + b"4\r\n"]
)
def test_a_bdat_that_cannot_be_read_is_the_end(line: bytes) -> None:
    """RFC 3030 section 2: octets follow it, and nobody knows how many."""
    reader = LineReader()
    reader.feed(line + b"QUIT\r\n")
    with pytest.raises(ChunkSyntax):
        reader.next_line()


def test_an_endless_line_is_discarded_as_it_arrives() -> None:
    reader = LineReader()
    for _ in range(1000):
        reader.feed(b"x" * 4096)
        assert lines_of(reader) == []
        assert reader.pending == 0
    reader.feed(b"\r\nNOOP\r\n")
    assert lines_of(reader) == [LineTooLong, b"NOOP"]


@pytest.mark.parametrize("verb", [b"AUTH ", b"auth "])
def test_auth_may_be_longer(verb: bytes) -> None:
    reader = LineReader()
    line = verb + b"A" * (AUTH_LINE_LIMIT - 7)
    reader.feed(line[:10_000])
    assert lines_of(reader) == []
    reader.feed(line[10_000:] + b"\r\n")
    assert lines_of(reader) == [line]
    reader.feed(verb + b"A" * AUTH_LINE_LIMIT)
    assert lines_of(reader) == []
    reader.feed(b"\r\n")
    assert lines_of(reader) == [AuthenticationLineTooLong]


def test_what_follows_starttls_can_be_forgotten() -> None:
    reader = LineReader()
    reader.feed(b"STARTTLS\r\nMAIL FROM:<injected@example.test>\r\n")
    assert reader.next_line() == b"STARTTLS"
    assert reader.discard() == len(b"MAIL FROM:<injected@example.test>\r\n")
    reader.feed(b"EHLO x\r\n")
    assert lines_of(reader) == [b"EHLO x"]


def test_the_rest_can_be_taken_as_octets_and_given_back() -> None:
    reader = LineReader()
    reader.feed(b"DATA\r\nhello")
    assert reader.next_line() == b"DATA"
    assert reader.take() == b"hello"
    reader.feed(b"QUIT\r\n")
    assert lines_of(reader) == [b"QUIT"]


def test_octets_can_be_counted_off() -> None:
    reader = LineReader()
    reader.feed(b"BDAT 5\r\nhelloNOOP\r\nx")
    assert reader.next_line() == b"BDAT 5"
    assert reader.take(2) == b"he"
    assert reader.take(3) == b"llo"
    assert reader.next_line() == b"NOOP"
    assert reader.take(2) == b"x"
    assert reader.pending == 0
