"""Mailbox names: modified UTF-7 (RFC 3501 section 5.1.3), UTF-8 (RFC 9051 section 5.1, RFC 6855)."""

from __future__ import annotations

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import imap_values

from mailkeep.imap.errors import MailboxNameInvalid
from mailkeep.imap.names import NameForm, decode_name, encode_name

UTF7, UTF8 = NameForm.MODIFIED_UTF7, NameForm.UTF8


@pytest.mark.parametrize(
    ("wire", "name"),
    [
        (b"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),  # RFC 3501 section 5.1.3
        (b"Entw&APw-rfe", "Entwürfe"),
        (b"a&-b", "a&b"),
        (b"&2D3eAA-", "😀"),
        (b"&Jjo-!", "☺!"),
        (b"Sent Items", "Sent Items"),
        (b"", ""),
    ],
)
def test_modified_utf7_both_ways(wire: bytes, name: str) -> None:
    assert decode_name(wire, UTF7) == name
    assert encode_name(name, UTF7) == wire


@pytest.mark.parametrize(
    "wire",
    [
        b"&",  # no end
        b"&APw",  # no end
        b"&AGE-",  # "a" in base64: printable US-ASCII stands for itself
        b"&AOQ-&APw-",  # a shift that ends only to begin again
        b"&AO-",  # half a code unit
        b"&AOR-",  # stray bits
        b"&2D0-",  # half a surrogate pair
        b"&A-",
        b"&AO/-",  # "/" for ","
        b"&====-",
        b"\xc3\xa4",  # UTF-8
        b"&AAA-",  # NUL
        b"&AAo-",  # LF
    ],
)
def test_only_the_canonical_spelling_names_a_mailbox_rfc3501_5_1_3(wire: bytes) -> None:
    with pytest.raises(MailboxNameInvalid):
        decode_name(wire, UTF7)


def test_both_forms_of_a_name_are_one_name() -> None:
    assert decode_name(b"&AOQ-", UTF7) == decode_name("ä".encode(), UTF8) == "ä"


def test_composed_and_decomposed_are_one_name_rfc5198_3() -> None:
    assert decode_name("a\u0308".encode(), UTF8) == "ä"
    assert decode_name(encode_name("a\u0308", UTF7), UTF7) == "ä"


def test_an_ampersand_means_itself_in_utf8() -> None:
    assert decode_name(b"&AOQ-", UTF8) == "&AOQ-"


@pytest.mark.parametrize(
    "wire", [b"\xff", b"\xc3", b"\xed\xa0\x80", "\x9f".encode(), "\u2028".encode(), b"a\nb", b"\x7f"]
)
def test_what_is_no_net_unicode_is_no_name_rfc5198_2(wire: bytes) -> None:
    with pytest.raises(MailboxNameInvalid):
        decode_name(wire, UTF8)


@pytest.mark.parametrize("wire", [b"INBOX", b"inbox", b"InBoX"])
def test_inbox_is_inbox_in_any_case_rfc9051_5_1(wire: bytes) -> None:
    assert decode_name(wire, UTF7) == decode_name(wire, UTF8) == "INBOX"


def test_what_merely_folds_to_inbox_is_another_mailbox() -> None:
    assert decode_name("ınbox".encode(), UTF8) != "INBOX"  # dotless i, whose upper case is I


@given(imap_values.names, st.sampled_from(NameForm))
def test_every_name_comes_back(name: str, form: NameForm) -> None:
    assert decode_name(encode_name(name, form), form) == name


@given(st.binary(max_size=30), st.sampled_from(NameForm))
def test_octets_make_one_name_in_normal_form_or_none(octets: bytes, form: NameForm) -> None:
    try:
        name = decode_name(octets, form)
    except MailboxNameInvalid:
        return
    assert name == normalize("NFC", name)
    assert decode_name(encode_name(name, form), form) == name
