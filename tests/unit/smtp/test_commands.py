"""Command lines into verbs and arguments: RFC 5321 section 4.1.1."""

from __future__ import annotations

import pytest

from mailkeep.errors import PeerError
from mailkeep.smtp.commands import Command, after_from, after_to, parse_command, parse_helo
from mailkeep.smtp.errors import ArgumentSyntax, CommandUnknown, HelloSyntax


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"NOOP", Command("NOOP")),
        (b"noop  ", Command("NOOP")),
        (b"NOOP\t", Command("NOOP")),
        (b"rset \t ", Command("RSET")),
        (b"MAIL FROM:<a@b>\tSIZE=1", Command("MAIL", "FROM:<a@b>\tSIZE=1")),
        (b"Mail From:<a@b>  ", Command("MAIL", "From:<a@b>")),
        ("RCPT TO:<δ@b>".encode(), Command("RCPT", "TO:<δ@b>")),
    ],
)
def test_a_line(line: bytes, command: Command) -> None:
    assert parse_command(line) == command


@pytest.mark.parametrize(
    "line", [b"", b" NOOP", b"\tNOOP", b"NOOP\tx", b"123", b"NO-OP", "ΝΟΟΡ".encode(), b"\x80\x00"]
)
def test_what_is_no_command(line: bytes) -> None:
    with pytest.raises(CommandUnknown):
        parse_command(line)


@pytest.mark.parametrize("line", [b"NOOP a\0b", b"NOOP \x1b[0m", b"NOOP \xff\xfe", b"NOOP \xc3"])
def test_what_is_no_argument(line: bytes) -> None:
    with pytest.raises(PeerError):
        parse_command(line)


def test_from_and_to() -> None:
    assert after_from("FROM:<a@b> SIZE=1") == "<a@b> SIZE=1"
    assert after_from("from: <a@b>") == "<a@b>"
    assert after_to("To:<a@b>") == "<a@b>"
    for argument in ("", "<a@b>", "TO:<a@b>", "FROM <a@b>"):
        with pytest.raises(ArgumentSyntax):
            after_from(argument)


def test_helo_names() -> None:
    for name in ("client.example", "[127.0.0.1]", "MY_PC", "x" * 255):
        assert parse_helo(name) == name
    for name in ("", "x" * 256, "a\x7f", "a\tb"):
        with pytest.raises(HelloSyntax):
            parse_helo(name)


def test_a_greeting_of_several_words_is_no_name() -> None:
    assert parse_helo("office scanner 2nd floor") == "unknown"
    for name in ("a \x7f", "x " * 128):
        with pytest.raises(HelloSyntax):
            parse_helo(name)
