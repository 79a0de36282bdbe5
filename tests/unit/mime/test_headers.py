"""Header sections taken apart: RFC 5322 section 2.2, RFC 9051 section 6.4.5.1."""

from __future__ import annotations

import pytest

from mailkeep.mime import headers

HEADER = (
    b"Received: from a\r\n\tby b\r\nSubject: one\r\n two\r\nX-Empty:\r\nsubject: again\r\nTo: a@b\r\n\r\n"
)


def test_fields_keep_every_octet_and_the_spelling_of_their_names() -> None:
    assert list(headers.fields(HEADER)) == [
        (b"Received", b"Received: from a\r\n\tby b\r\n"),
        (b"Subject", b"Subject: one\r\n two\r\n"),
        (b"X-Empty", b"X-Empty:\r\n"),
        (b"subject", b"subject: again\r\n"),
        (b"To", b"To: a@b\r\n"),
    ]


@pytest.mark.parametrize("eol", [b"\n", b"\r", b"\r\n"])
def test_lines_may_end_in_any_of_three_ways(eol: bytes) -> None:
    header = HEADER.replace(b"\r\n", eol)
    assert b"".join(raw for _, raw in headers.fields(header)) + eol == header
    assert headers.first(header, b"SUBJECT") == b"one two"


def test_what_is_no_field_is_kept_without_a_name() -> None:
    found = list(headers.fields(b"From a@b Mon Jan 1\nTo: x\nnonsense\n\n"))
    assert found == [(b"", b"From a@b Mon Jan 1\n"), (b"To", b"To: x\n"), (b"", b"nonsense\n")]


def test_space_before_the_colon_is_obsolete_and_read() -> None:
    assert headers.first(b"Subject \t: x\r\n", b"subject") == b"x"


def test_header_fields_gives_them_in_the_order_of_the_message() -> None:
    selected = headers.select(HEADER, [b"TO", b"SUBJECT", b"ABSENT"], "only")
    assert selected == b"Subject: one\r\n two\r\nsubject: again\r\nTo: a@b\r\n\r\n"


def test_header_fields_not_gives_the_others() -> None:
    selected = headers.select(HEADER, [b"to", b"subject"], "not")
    assert selected == b"Received: from a\r\n\tby b\r\nX-Empty:\r\n\r\n"


def test_the_blank_line_is_there_even_if_no_field_is() -> None:
    assert headers.select(HEADER, [b"absent"], "only") == b"\r\n"
    assert headers.select(b"", [b"absent"], "not") == b"\r\n"


def test_a_field_without_line_end_gets_one_before_the_blank_line() -> None:
    assert headers.select(b"To: a", [b"to"], "only") == b"To: a\r\n\r\n"


def test_the_first_of_several_fields_counts_unless_they_are_joined() -> None:
    header = b"To: a@b\nTo: c@d\nSubject: 1\nSubject: 2\n\n"
    assert headers.index(header, joined=[b"to"]) == {b"to": b"a@b, c@d", b"subject": b"1"}


def test_unfolding_removes_line_ends_and_keeps_white_space() -> None:
    # RFC 5322 section 2.2.3: only the CRLF goes.
    assert headers.unfold(b" a\r\n  b\n\tc \r\n") == b"a  b\tc"


def test_more_fields_than_the_limit_are_not_indexed() -> None:
    header = b"".join(b"X-%d: y\r\n" % number for number in range(headers.FIELDS_PER_HEADER + 1))
    assert len(headers.index(header)) == headers.FIELDS_PER_HEADER
