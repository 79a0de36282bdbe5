"""RFC 1939 section 3: byte-stuffing, for messages cut into chunks anywhere."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.pop3.stuffing import DotStuffer, stuffed_parts

# Octets that matter to the framing, and one that does not.
TRICKY = st.lists(st.sampled_from([b".", b"\r", b"\n", b"\r\n", b"\r\n.", b"x"]), max_size=40).map(b"".join)


def unstuff(wire: bytes) -> bytes:
    """What a client does: cut at the first CRLF.CRLF, take one dot off each line that begins with one."""
    if wire == b".\r\n":
        return b""
    assert wire.endswith(b"\r\n.\r\n")
    body, end, rest = (b"\r\n" + wire).partition(b"\r\n.\r\n")
    assert end
    assert rest == b"", "the message ended before its end"
    return re.sub(rb"\r\n\.", b"\r\n", body + b"\r\n")[2:]


def stuff(chunks: list[bytes]) -> bytes:
    stuffer = DotStuffer()
    return b"".join(stuffer.feed(chunk) for chunk in chunks) + stuffer.finish()


def whole(message: bytes) -> bytes:
    return b"".join(stuffed_parts(message))


def as_transmitted(message: bytes) -> bytes:
    return message if message.endswith(b"\r\n") or not message else message + b"\r\n"


@given(TRICKY)
def test_a_client_gets_back_what_went_in_whatever_the_split(message: bytes) -> None:
    for at in range(len(message) + 1):
        assert unstuff(stuff([message[:at], message[at:]])) == as_transmitted(message)


@given(st.lists(TRICKY, max_size=6))
def test_many_chunks_are_as_one(chunks: list[bytes]) -> None:
    assert stuff(chunks) == whole(b"".join(chunks))


@given(TRICKY)
def test_octet_by_octet_is_as_one(message: bytes) -> None:
    assert stuff([message[at : at + 1] for at in range(len(message))]) == whole(message)


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        (b"", b".\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b".\r\n", b"..\r\n.\r\n"),
        (b".", b"..\r\n.\r\n"),
        (b"a\r\n.\r\n", b"a\r\n..\r\n.\r\n"),
        (b"a\r\n.\r\n.\r\n", b"a\r\n..\r\n..\r\n.\r\n"),
        (b"a\r\n..b\r\n", b"a\r\n...b\r\n.\r\n"),
        (b"a\r", b"a\r\r\n.\r\n"),
        (b"a\n", b"a\n\r\n.\r\n"),
    ],
)
def test_examples(message: bytes, wire: bytes) -> None:
    assert whole(message) == wire


def test_a_bare_lf_is_content() -> None:
    assert whole(b"a\n.b\r\n") == b"a\n.b\r\n.\r\n"


def test_a_bare_cr_is_content() -> None:
    assert whole(b"a\r.b\r\n") == b"a\r.b\r\n.\r\n"
