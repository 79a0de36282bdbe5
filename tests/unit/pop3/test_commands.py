"""The grammar of RFC 1939 section 3 and of the extensions, command by command."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailkeep.pop3 import commands as c
from mailkeep.pop3.errors import BadArguments, BadBase64, Pop3Syntax, SaslAborted, UnknownCommand


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"CAPA", c.Capa()),
        (b"capa ", c.Capa()),
        (b"NOOP", c.Noop()),
        (b"QuIt", c.Quit()),
        (b"RSET", c.Rset()),
        (b"STAT", c.Stat()),
        (b"STLS", c.Stls()),
        (b"UTF8", c.Utf8()),
        (b"USER ann@example.test", c.User("ann@example.test")),
        (b"USER two words", c.User("two words")),
        ("USER zoë".encode(), c.User("zoë")),
        (b"PASS pass with  spaces ", c.Pass("pass with  spaces ")),
        (b"AUTH", c.Auth()),
        (b"AUTH plain", c.Auth("PLAIN")),
        (b"AUTH PLAIN =", c.Auth("PLAIN", b"")),
        (b"AUTH PLAIN AGEAYg==", c.Auth("PLAIN", b"\0a\0b")),
        (b"LIST", c.List()),
        (b"LIST 7", c.List(7)),
        (b"LIST 007", c.List(7)),
        (b"UIDL", c.Uidl()),
        (b"UIDL 1 ", c.Uidl(1)),
        (b"RETR 4294967295", c.Retr(4294967295)),
        (b"retr 0", c.Retr(0)),
        (b"TOP 1 0", c.Top(1, 0)),
        (b"DELE 3", c.Dele(3)),
        (b"LANG", c.Lang()),
        (b"LANG *", c.Lang("*")),
        (b"LANG en-GB", c.Lang("en-GB")),
    ],
)
def test_commands(line: bytes, command: c.Command) -> None:
    assert c.parse(line) == command


@pytest.mark.parametrize(
    "line",
    [b"", b" ", b" NOOP", b"XYZZY", b"APOP ann 0123", b"NOOPX", b"NO OP", b"RETR\t1", b"LAST"],
)
def test_unknown_commands(line: bytes) -> None:
    with pytest.raises(UnknownCommand):
        c.parse(line)


@pytest.mark.parametrize(
    "line",
    [
        b"NOOP 1", b"STAT x", b"QUIT now", b"STLS tls", b"UTF8 1", b"CAPA x",
        b"RETR", b"RETR ", b"RETR one", b"RETR -1", b"RETR +1", b"RETR 1.0", b"RETR 1 2", b"RETR 1  2",
        b"RETR \xd9\xa1", b"DELE", b"DELE 1 2", b"LIST x", b"LIST 1 2", b"UIDL 1 2",
        b"TOP", b"TOP 1", b"TOP 1 -1", b"TOP 1 2 3", b"TOP a 1",
        b"USER", b"USER ", b"PASS", b"PASS ", b"PASS a\x00b", b"USER \xff", b"USER a\x1b[2J",
        b"AUTH \x01", b"AUTH  PLAIN", b"AUTH NAME-WITH-TOO-MANY-OCTETS",
        b"LANG en gb", b"LANG en_GB", b"LANG abcdefghi",
    ],
)  # fmt: skip
def test_bad_arguments(line: bytes) -> None:
    with pytest.raises(BadArguments):
        c.parse(line)


@pytest.mark.parametrize(
    "line", [b"AUTH PLAIN A", b"AUTH LOGIN AGEA Yg==", b"AUTH PLAIN ==", b"AUTH LOGIN *"]
)
def test_initial_responses_that_are_not_base64(line: bytes) -> None:
    with pytest.raises(BadBase64):
        c.parse(line)


def test_responses() -> None:
    assert c.parse_response(b"") == b""
    assert c.parse_response(b"AGEAYg==") == b"\0a\0b"
    with pytest.raises(SaslAborted):
        c.parse_response(b"*")
    for wrong in (b"A", b"AGEA\nYg==", b"AGEAYg==AA", b"\xff\xff\xff\xff", b"* "):
        with pytest.raises(BadBase64):
            c.parse_response(wrong)


@given(st.binary(max_size=80))
@example(b"PASS hunter2")
def test_no_line_does_more_than_parse_or_be_refused(line: bytes) -> None:
    with suppress(Pop3Syntax):
        assert isinstance(c.parse(line), c.Command)


def test_secrets_are_not_shown() -> None:
    assert "hunter2" not in repr(c.parse(b"PASS hunter2"))
    assert "hunter" not in repr(c.parse(b"AUTH PLAIN aHVudGVyMg=="))


@pytest.mark.parametrize("line", [b"PASS hunter2\xff", b"hunter2", b"NOOP hunter2", b"AUTH PLAIN hunter2=A"])
def test_a_refusal_never_repeats_what_was_sent(line: bytes) -> None:
    with pytest.raises(Pop3Syntax) as refused:
        c.parse(line)
    assert "hunter2" not in str(refused.value)
