"""TLSRPT records: RFC 8460's own examples, and what senders would not use."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.smtp.tlsrpt import RecordInvalid, find_record, record_text


@pytest.mark.parametrize(
    ("text", "uris"),
    [
        # Section 3.1's examples.
        (b"v=TLSRPTv1;rua=mailto:reports@example.com", ("mailto:reports@example.com",)),
        (
            b"v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt",
            ("https://reporting.example.com/v1/tlsrpt",),
        ),
        (
            b"v=TLSRPTv1; rua=mailto:a@b.example,https://c.example/;",
            ("mailto:a@b.example", "https://c.example/"),
        ),
        (b"v=TLSRPTv1; later=1; rua=mailto:a@b.example", ("mailto:a@b.example",)),
    ],
)
def test_where_reports_go(text: bytes, uris: tuple[str, ...]) -> None:
    assert find_record([b"v=spf1 -all", text]) == uris


def test_other_records_are_none() -> None:
    assert find_record([b"v=spf1 mx -all", b"v=TLSRPTv11; rua=mailto:a@b.example", b"x v=TLSRPTv1;"]) is None


@pytest.mark.parametrize(
    "texts",
    [
        [b"v=TLSRPTv1;"],
        [b"v=TLSRPTv1"],
        [b"v=TLSRPTv1; rua="],
        [b"v=TLSRPTv1; rua=a@b.example"],
        [b"v=TLSRPTv1; rua=http://b.example/"],
        [b"v=TLSRPTv1; rua=mailto:" + b"a@b.example,mailto:" * 20 + b"a@b.example"],
        [b"v=TLSRPTv1; rua=mailto:a@b.example", b"v=TLSRPTv1; rua=mailto:c@b.example"],
    ],
)
def test_what_senders_would_not_use(texts: list[bytes]) -> None:
    with pytest.raises(RecordInvalid):
        find_record(texts)


@given(st.lists(st.binary(max_size=60), max_size=3))
def test_nothing_else_is_raised(texts: list[bytes]) -> None:
    try:
        find_record([b"v=TLSRPTv1;" + text for text in texts])
    except RecordInvalid:
        return


def test_what_we_print_can_be_read() -> None:
    assert find_record([record_text("mailto:postmaster@example.test").encode()]) == (
        "mailto:postmaster@example.test",
    )
