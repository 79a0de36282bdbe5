"""ENVELOPE: RFC 9051 section 7.5.2 and the examples of RFC 3501 sections 7.4.2 and 8."""

from __future__ import annotations

import pytest

from mailkeep.mime import envelope, headers
from mailkeep.mime.scan import JOINED_FIELDS

RFC_3501_SECTION_8 = b"""\
Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r
From: Terry Gray <gray@cac.washington.edu>\r
Subject: IMAP4rev2 WG mtg summary and minutes\r
To: imap@cac.washington.edu\r
cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r
Message-Id: <B27397-0100000@cac.washington.edu>\r
MIME-Version: 1.0\r
Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r
\r
"""


def render(header: bytes) -> bytes:
    return envelope.render(headers.index(header, JOINED_FIELDS))


def test_the_example_of_the_standard() -> None:
    # The RFC's example has other line breaks, and no others.
    assert render(RFC_3501_SECTION_8) == (
        b'("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" '
        b'"IMAP4rev2 WG mtg summary and minutes" '
        b'(("Terry Gray" NIL "gray" "cac.washington.edu")) '
        b'(("Terry Gray" NIL "gray" "cac.washington.edu")) '
        b'(("Terry Gray" NIL "gray" "cac.washington.edu")) '
        b'((NIL NIL "imap" "cac.washington.edu")) '
        b'((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) '
        b"NIL NIL "
        b'"<B27397-0100000@cac.washington.edu>")'
    )


def test_absent_fields_are_nil() -> None:
    assert render(b"\r\n") == b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"


def test_empty_strings_are_empty_and_empty_lists_nil() -> None:
    header = b"Date:\r\nSubject: \r\nFrom:\r\nTo:\r\nIn-Reply-To:\r\nMessage-ID:\r\n\r\n"
    assert render(header) == b'("" "" NIL NIL NIL NIL NIL NIL "" "")'


def test_sender_and_reply_to_are_their_own_if_they_are_there() -> None:
    header = b"From: a@x\r\nSender: b@x\r\nReply-To: c@x\r\n\r\n"
    assert render(header) == (
        b'(NIL NIL ((NIL NIL "a" "x")) ((NIL NIL "b" "x")) ((NIL NIL "c" "x")) NIL NIL NIL NIL NIL)'
    )


def test_an_empty_sender_or_reply_to_is_from() -> None:
    header = b"From: a@x\r\nSender:\r\nReply-To: ,\r\n\r\n"
    address = b'((NIL NIL "a" "x"))'
    assert render(header) == b"(NIL NIL %b %b %b NIL NIL NIL NIL NIL)" % (address, address, address)


def test_groups_begin_and_end_with_nil_hosts() -> None:
    assert b'((NIL NIL "undisclosed" NIL)(NIL NIL NIL NIL))' in render(b"To: undisclosed:;\r\n\r\n")
    rendered = render(b'Cc: "A; B": <@r:u@h>, v@h;\r\n\r\n')
    assert b'((NIL NIL "A; B" NIL)(NIL "@r" "u" "h")(NIL NIL "v" "h")(NIL NIL NIL NIL))' in rendered


def test_several_destination_fields_are_one_list() -> None:
    # RFC 5322 section 4.5.3
    assert b'((NIL NIL "a" "x")(NIL NIL "b" "x"))' in render(b"To: a@x\r\nTo: b@x\r\n\r\n")


def test_folds_are_undone_and_white_space_stays() -> None:
    assert b'"one  two\tthree"' in render(b"Subject: one\r\n  two\r\n\tthree\r\n\r\n")


@pytest.mark.parametrize(
    ("value", "string"),
    [
        (b"plain", b'"plain"'),
        (b'say "hi" \\o/', b'"say \\"hi\\" \\\\o/"'),
        (b"=?utf-8?q?=C3=A9?=", b'"=?utf-8?q?=C3=A9?="'),
        (b"caf\xc3\xa9", b"{5}\r\ncaf\xc3\xa9"),
        (b"bell\x07", b'"bell\x07"'),
        (b"nul\0nul", b'"nul?nul"'),
        (b"\xe9\0", b"{2}\r\n\xe9?"),
        (b"bare\rreturn", b"{11}\r\nbare\rreturn"),
        (b"x" * 1000, b'"' + b"x" * 1000 + b'"'),
        (b"x" * 1001, b"{1001}\r\n" + b"x" * 1001),
    ],
)
def test_strings_are_quoted_where_every_client_takes_it(value: bytes, string: bytes) -> None:
    assert render(b"Subject: " + value + b"\r\n\r\n") == (
        b"(NIL " + string + b" NIL NIL NIL NIL NIL NIL NIL NIL)"
    )


def test_eight_bit_names_go_as_literals() -> None:
    assert b'(({3}\r\nJ\xc3\xb6 NIL "j" "x"))' in render(b"From: J\xc3\xb6 <j@x>\r\n\r\n")


def test_in_reply_to_and_message_id_are_as_written() -> None:
    rendered = render(b"In-Reply-To: <a@b>\r\n <c@d>\r\nMessage-ID: garbage\r\n\r\n")
    assert rendered.endswith(b'"<a@b> <c@d>" "garbage")')
