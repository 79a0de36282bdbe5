"""Lines, limits and memory: RFC 2449 section 4, RFC 5034 section 4."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.pop3.errors import BadLineEnd, LineTooLong
from mailkeep.pop3.framing import LineBuffer
from mailkeep.pop3.limits import COMMAND_LINE_LIMIT, SASL_LINE_LIMIT


def lines_of(buffer: LineBuffer) -> list[bytes | type[Exception]]:
    found: list[bytes | type[Exception]] = []
    while True:
        try:
            line = buffer.next_line()
        except (LineTooLong, BadLineEnd) as error:
            found.append(type(error))
            continue
        if line is None:
            return found
        found.append(line)


@given(st.lists(st.binary(max_size=12), max_size=8))
def test_how_the_octets_arrive_does_not_matter(chunks: list[bytes]) -> None:
    whole, pieces = LineBuffer(), LineBuffer()
    whole.append(b"".join(chunks))
    found: list[bytes | type[Exception]] = []
    for chunk in chunks:
        pieces.append(chunk)
        found += lines_of(pieces)
    assert found == lines_of(whole)
    assert len(pieces) == len(whole)


def test_nothing_is_handed_out_before_its_end() -> None:
    buffer = LineBuffer()
    buffer.append(b"NOOP\r")
    assert buffer.next_line() is None
    buffer.append(b"\nSTAT")
    assert buffer.next_line() == b"NOOP"
    assert buffer.next_line() is None
    assert len(buffer) == 4


def test_a_command_of_255_octets_is_taken_and_one_of_256_is_not() -> None:
    buffer = LineBuffer()
    buffer.append(b"x" * (COMMAND_LINE_LIMIT - 2) + b"\r\n")
    buffer.append(b"x" * (COMMAND_LINE_LIMIT - 1) + b"\r\n")
    buffer.append(b"NOOP\r\n")
    assert lines_of(buffer) == [b"x" * 253, LineTooLong, b"NOOP"]


def test_an_auth_command_may_be_longer() -> None:
    buffer = LineBuffer()
    line = b"auth XOAUTH2 " + b"A" * 20_000
    buffer.append(line + b"\r\n")
    assert lines_of(buffer) == [line]


def test_a_sasl_response_has_its_own_limit() -> None:
    buffer = LineBuffer()
    buffer.append(b"A" * (SASL_LINE_LIMIT - 2) + b"\r\n" + b"A" * SASL_LINE_LIMIT + b"\r\n")
    assert buffer.next_line(sasl=True) == b"A" * (SASL_LINE_LIMIT - 2)
    with pytest.raises(LineTooLong):
        buffer.next_line(sasl=True)


def test_a_line_that_never_ends_costs_no_memory_and_is_refused_once() -> None:
    buffer = LineBuffer()
    for _ in range(1000):
        buffer.append(b"x" * 10_000)
        assert len(buffer) <= SASL_LINE_LIMIT
        assert buffer.next_line() is None
    buffer.append(b"tail\r\nNOOP\r\n")
    assert lines_of(buffer) == [LineTooLong, b"NOOP"]


@pytest.mark.parametrize("octets", [b"NOOP\n", b"NO\rOP\r\n", b"NOOP\r\r\n", b"\n"])
def test_bare_cr_and_bare_lf_are_refused(octets: bytes) -> None:
    buffer = LineBuffer()
    buffer.append(octets + b"STAT\r\n")
    assert lines_of(buffer) == [BadLineEnd, b"STAT"]


def test_clearing_forgets_the_rest_of_a_line_that_was_too_long() -> None:
    buffer = LineBuffer()
    buffer.append(b"x" * (SASL_LINE_LIMIT + 1))
    buffer.clear()
    buffer.append(b"NOOP\r\n")
    assert lines_of(buffer) == [b"NOOP"]


def test_peeking_consumes_nothing() -> None:
    buffer = LineBuffer()
    buffer.append(b"NOOP\r\nRETR 1\r\nRETR 2\r\nRE")
    pattern = re.compile(rb"(?:RETR \d\r\n)+")
    assert buffer.peek(pattern) == b""
    assert buffer.next_line() == b"NOOP"
    assert buffer.peek(pattern) == b"RETR 1\r\nRETR 2\r\n"
    assert lines_of(buffer) == [b"RETR 1", b"RETR 2"]


def test_the_rest_of_a_line_that_is_thrown_away_is_not_peeked_at() -> None:
    buffer = LineBuffer()
    buffer.append(b"x" * (SASL_LINE_LIMIT + 1))
    buffer.append(b"RETR 1\r\n")
    assert buffer.peek(re.compile(rb"RETR \d\r\n")) == b""
    assert lines_of(buffer) == [LineTooLong]


def test_a_long_pipeline_is_compacted() -> None:
    buffer = LineBuffer()
    buffer.append(b"NOOP\r\n" * 10_000 + b"QUIT")
    assert lines_of(buffer) == [b"NOOP"] * 10_000
    assert len(buffer) == 4
