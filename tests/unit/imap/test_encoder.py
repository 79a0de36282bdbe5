"""Values as octets (RFC 9051 section 9)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.imap import encoder
from mailkeep.imap.lexer import Cursor
from mailkeep.imap.names import NameForm
from mailkeep.model.flags import Flags


def test_a_string_is_quoted_if_it_can_be() -> None:
    assert encoder.string(b'a "b" \\c') == b'"a \\"b\\" \\\\c"'
    assert encoder.string(b"") == b'""'
    assert encoder.nstring(None) == b"NIL"
    assert encoder.nstring(b"NIL") == b'"NIL"'


@pytest.mark.parametrize("octets", [b"a\r\nb", b"\xc3\xa4", b"x" * 2000])
def test_and_a_literal_if_it_must_be(octets: bytes) -> None:
    assert encoder.string(octets) == b"{%d}\r\n%b" % (len(octets), octets)


@given(st.binary(max_size=50).map(lambda octets: octets.replace(b"\0", b"")))
def test_every_string_is_read_back(octets: bytes) -> None:
    assert Cursor(encoder.string(octets)).string() == octets
    assert Cursor(encoder.sent_astring(octets)).astring() == octets


def test_mailbox_names_by_form() -> None:
    assert encoder.mailbox("INBOX", NameForm.MODIFIED_UTF7) == b"INBOX"
    assert encoder.mailbox("Sent Items", NameForm.MODIFIED_UTF7) == b'"Sent Items"'
    assert encoder.mailbox("Entwürfe", NameForm.MODIFIED_UTF7) == b"Entw&APw-rfe"
    assert encoder.mailbox("Entwürfe", NameForm.UTF8) == '"Entwürfe"'.encode()
    assert encoder.mailbox("", NameForm.UTF8) == b'""'
    assert encoder.mailbox("nil", NameForm.UTF8) == b'"nil"'
    assert encoder.mailbox("a%", NameForm.UTF8) == b'"a%"'


def test_flags() -> None:
    flags = Flags.parse(["\\Seen", "$Junk", "\\Draft"])
    assert encoder.flags(flags) == b"(\\Seen \\Draft $Junk)"
    assert encoder.flags(flags, recent=True) == b"(\\Seen \\Draft $Junk \\Recent)"
    assert encoder.flags_of(0, ()) == b"()"
    assert encoder.flags_of(9, ()) == b"(\\Seen \\Deleted)"
    assert encoder.flags_of(0, (), recent=True) == b"(\\Recent)"


def test_a_set_whose_order_matters_keeps_it_rfc4315_3() -> None:
    assert encoder.uid_sequence([304, 319, 320]) == b"304,319:320"
    assert encoder.uid_sequence([5, 4, 3, 7, 8]) == b"5,4,3,7:8"
    assert encoder.uid_sequence([]) == b""


def test_date_time() -> None:
    moment = datetime(1996, 7, 7, 2, 44, 25, tzinfo=timezone(-timedelta(hours=7)))
    assert encoder.date_time(moment) == b'" 7-Jul-1996 02:44:25 -0700"'
    assert encoder.day(date(1994, 2, 1)) == b"1-Feb-1994"


@given(st.integers(-62135596800, 253402300799))
def test_an_internal_date_from_unix_seconds_is_the_same_moment(seconds: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    assert encoder.internal_date(seconds) == encoder.date_time(moment)
    assert Cursor(encoder.internal_date(seconds)).date_time() == moment
