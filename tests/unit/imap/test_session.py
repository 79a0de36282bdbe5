"""CAPABILITY, NOOP, LOGOUT, ID, ENABLE, STARTTLS, and what a command line is at all."""

from __future__ import annotations

import pytest
from tests.support.imap_parsing import parsed, refused

from mailkeep.imap.commands.session import Capability, Compress, Enable, Id, Logout, Noop, StartTls
from mailkeep.imap.errors import ImapLimitExceeded


def test_commands_without_arguments_in_any_case_rfc9051_9() -> None:
    assert parsed("CAPABILITY") == Capability("A")
    assert parsed("noop") == Noop("A")
    assert parsed("LogOut") == Logout("A")
    assert parsed("STARTTLS") == StartTls("A")


@pytest.mark.parametrize("line", ["NOOP ", "NOOP 1", "CAPABILITY ALL", "LOGOUT\t", "STARTTLS now"])
def test_and_none_are_taken(line: str) -> None:
    assert "end of the command" in refused(line)


def test_id_rfc2971_3_1() -> None:
    assert parsed('ID ("name" "Thunderbird" "version" NIL)') == Id(
        "A", (("name", "Thunderbird"), ("version", None))
    )
    assert parsed("ID NIL") == Id("A", None)
    assert parsed("ID ()") == Id("A", ())
    assert parsed("ID ({4+}\r\nname {3+}\r\na b)") == Id("A", (("name", "a b"),))


@pytest.mark.parametrize("line", ["ID", 'ID ("name")', "ID (name x)", 'ID ("name" "x"', 'ID ("a" "b" "c")'])
def test_what_is_no_id(line: str) -> None:
    refused(line)


@pytest.mark.parametrize(
    "line",
    [
        "ID (" + " ".join(['"a" "b"'] * 31) + ")",
        'ID ("' + "a" * 31 + '" "b")',
        'ID ("a" "' + "b" * 1025 + '")',
    ],
)
def test_id_has_the_limits_of_rfc2971_3_3(line: str) -> None:
    refused(line, ImapLimitExceeded)


def test_id_is_for_people_and_no_reason_to_refuse_rfc2971_3_3() -> None:
    assert parsed(b'ID ("os" "M\xe4c")') == Id("A", (("os", "M\ufffdc"),))


def test_enable_rfc9051_6_3_1() -> None:
    assert parsed("ENABLE imap4rev2 UTF8=ACCEPT") == Enable("A", ("IMAP4REV2", "UTF8=ACCEPT"))
    refused("ENABLE")
    refused("ENABLE ")


def test_compress_rfc4978() -> None:
    assert parsed("COMPRESS deflate") == Compress("A", "DEFLATE")
