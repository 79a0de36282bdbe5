"""RFC 1939 section 7: what TOP cuts, for messages in chunks of any size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.pop3.top import TopCutter

TRICKY = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"x"]), max_size=30).map(b"".join)


def cut(chunks: list[bytes], lines: int) -> bytes:
    cutter = TopCutter(lines)
    return b"".join(cutter.feed(chunk) for chunk in chunks)


def expected(message: bytes, lines: int) -> bytes:
    """The same said slowly: header and blank line, then whole lines."""
    header, blank, body = (b"\r\n" + message).partition(b"\r\n\r\n")
    if not blank:
        return message
    kept = body.split(b"\r\n")
    text = body if len(kept) <= lines else b"".join(line + b"\r\n" for line in kept[:lines])
    return (header + blank + text)[2:]


@given(TRICKY, st.integers(0, 4))
def test_every_split_gives_the_same(message: bytes, lines: int) -> None:
    for at in range(len(message) + 1):
        assert cut([message[:at], message[at:]], lines) == expected(message, lines)


@given(TRICKY, st.integers(0, 4))
def test_octet_by_octet(message: bytes, lines: int) -> None:
    assert cut([message[at : at + 1] for at in range(len(message))], lines) == expected(message, lines)


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (0, b"A: 1\r\n\r\n"),
        (1, b"A: 1\r\n\r\none\r\n"),
        (2, b"A: 1\r\n\r\none\r\n\r\n"),
        (3, b"A: 1\r\n\r\none\r\n\r\nthree"),
        (99, b"A: 1\r\n\r\none\r\n\r\nthree"),
    ],
)
def test_lines_of_the_body(lines: int, answer: bytes) -> None:
    assert cut([b"A: 1\r\n\r\none\r\n\r\nthree"], lines) == answer


def test_a_message_without_a_header() -> None:
    assert cut([b"\r\nbody\r\nmore\r\n"], 1) == b"\r\nbody\r\n"


def test_a_message_without_a_body_is_sent_whole() -> None:
    assert cut([b"A: 1\r\nB: 2\r\n"], 5) == b"A: 1\r\nB: 2\r\n"


def test_nothing_is_read_beyond_the_last_line() -> None:
    cutter = TopCutter(1)
    cutter.feed(b"A: 1\r\n\r\none\r\ntwo")
    assert cutter.done
    assert cutter.feed(b"more") == b""
