"""Tokens of RFC 9051 section 9."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.lexer import Cursor


@pytest.mark.parametrize(
    ("wire", "value"),
    [
        (b"atom", b"atom"),
        (b"a]b", b"a]b"),
        (b'"quoted string"', b"quoted string"),
        (b'"a \\"quote\\" and \\\\"', b'a "quote" and \\'),
        (b'""', b""),
        (b"{3}\r\na\nb", b"a\nb"),
        (b"{3+}\r\nabc", b"abc"),
        (b"{0}\r\n", b""),
        (b'"\xc3\xa4"', "ä".encode()),
        (b"NIL", b"NIL"),
    ],
)
def test_astring(wire: bytes, value: bytes) -> None:
    cursor = Cursor(wire)
    assert cursor.astring() == value
    cursor.end()


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"(",
        b'"open',
        b'"a\\b"',
        b'"a\r\nb"',
        b'"a\0"',
        b"{3}abc",
        b"{4}\r\nabc",
        b"{1}\r\n\0",
        b"{-1}\r\n",
    ],
)
def test_what_is_no_string(wire: bytes) -> None:
    with pytest.raises(ImapSyntaxError):
        Cursor(wire).astring()


def test_a_literal8_is_no_string_rfc9051_9() -> None:
    with pytest.raises(ImapSyntaxError):
        Cursor(b"~{1}\r\nx").string()


def test_nil_is_nothing_where_an_nstring_stands_and_a_word_elsewhere() -> None:
    assert Cursor(b"nil").nstring() is None
    assert Cursor(b'"NIL"').nstring() == b"NIL"
    assert Cursor(b"NIL").astring() == b"NIL"


@pytest.mark.parametrize(("wire", "value"), [(b"0", 0), (b"4294967295", 4294967295)])
def test_number(wire: bytes, value: int) -> None:
    assert Cursor(wire).number() == value


@pytest.mark.parametrize("wire", [b"4294967296", b"-1", b"x", b"", b"9" * 20])
def test_what_is_no_number(wire: bytes) -> None:
    with pytest.raises(ImapSyntaxError):
        Cursor(wire).number()


def test_nz_number_is_not_zero_and_number64_has_63_bits() -> None:
    with pytest.raises(ImapSyntaxError):
        Cursor(b"0").nz_number()
    assert Cursor(b"9223372036854775807").number64() == (1 << 63) - 1
    with pytest.raises(ImapSyntaxError):
        Cursor(b"9223372036854775808").number64()


@pytest.mark.parametrize("wire", [b"1-Feb-1994", b'"1-Feb-1994"', b"01-FEB-1994"])
def test_date(wire: bytes) -> None:
    assert Cursor(wire).date() == date(1994, 2, 1)


@pytest.mark.parametrize("wire", [b'"1-Feb-1994', b"31-Feb-1994", b"1-Foo-1994", b"1-Feb-94", b"1-Feb-0000"])
def test_what_is_no_date(wire: bytes) -> None:
    with pytest.raises(ImapSyntaxError):
        Cursor(wire).date()


@pytest.mark.parametrize(
    ("wire", "value"),
    [
        (b'"17-Jul-1996 02:44:25 -0700"', datetime(1996, 7, 17, 9, 44, 25, tzinfo=UTC)),
        (b'" 1-jan-2020 10:00:00 +0100"', datetime(2020, 1, 1, 9, tzinfo=UTC)),
    ],
)
def test_date_time(wire: bytes, value: datetime) -> None:
    assert Cursor(wire).date_time() == value


def test_a_date_time_keeps_its_zone() -> None:
    assert Cursor(b'"17-Jul-1996 02:44:25 -0730"').date_time().tzinfo == timezone(-timedelta(minutes=450))


@pytest.mark.parametrize(
    "wire",
    [
        b'"1-Jul-1996 02:44:25 -0700"',  # date-day-fixed has two places
        b'"17-Jul-1996 24:00:00 +0000"',
        b'"17-Jul-1996 23:59:60 +0000"',
        b'"17-Jul-1996 02:44:25"',
        b'"17-Jul-1996 02:44:25 +2500"',
        b'"32-Jul-1996 02:44:25 +0000"',
        b'"01-Jan-0001 00:00:00 +0100"',  # the year 0 in UTC
        b'"31-Dec-9999 23:59:59 -0100"',
        b"17-Jul-1996 02:44:25 +0000",
    ],
)
def test_what_is_no_date_time(wire: bytes) -> None:
    with pytest.raises(ImapSyntaxError):
        Cursor(wire).date_time()


def test_flags() -> None:
    assert Cursor(b"(\\Seen $Forwarded NonJunk)").flag_list() == ("\\Seen", "$Forwarded", "NonJunk")
    assert Cursor(b"()").flag_list() == ()


@pytest.mark.parametrize(
    "wire", [b"( )", b"(\\Seen )", b"(\\)", b"(\\Seen", b"\\Seen", b"(a  b)", b"(a\xc3\xa4)"]
)
def test_what_is_no_flag_list(wire: bytes) -> None:
    with pytest.raises(ImapSyntaxError):
        Cursor(wire).flag_list()


def test_a_literal_whose_octets_were_streamed_is_no_string() -> None:
    with pytest.raises(ImapSyntaxError):
        Cursor(b"{3}\r\nabc", streamed=(5,)).string()
