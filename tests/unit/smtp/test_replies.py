"""Replies: RFC 5321 section 4.2, RFC 2034."""

from __future__ import annotations

from mailkeep.smtp.replies import REPLY_LINE_LIMIT, reply


def test_one_line() -> None:
    assert reply(250, "2.1.0", "Sender ok").octets == b"250 2.1.0 Sender ok\r\n"


def test_several_lines_each_with_the_enhanced_code() -> None:
    """RFC 2034 section 4: on every line."""
    assert reply(214, "2.0.0", "one", "two").octets == b"214-2.0.0 one\r\n214 2.0.0 two\r\n"


def test_the_greeting_has_none() -> None:
    assert reply(220, "", "mx.example.test ESMTP").octets == b"220 mx.example.test ESMTP\r\n"


def test_no_line_can_be_broken_in_two_or_grow_past_the_limit() -> None:
    octets = reply(550, "5.7.1", "a\r\n250 ok\0é" + "x" * 1000).octets
    assert octets.count(b"\r\n") == 1
    assert len(octets) == REPLY_LINE_LIMIT
    assert octets.startswith(b"550 5.7.1 a??250 ok??xxx")


def test_what_counts_against_the_peer() -> None:
    assert reply(550, "5.7.1", "no").is_refusal
    assert not reply(451, "4.3.0", "later").is_refusal
