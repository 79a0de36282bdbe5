"""RFC 6858: header sections in ASCII for those who know nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.mime import addresses, encoded_words, headers, params
from mailkeep.mime.downgrade import NOWHERE, growth, section
from mailkeep.mime.scan import scan


def value_of(header: bytes) -> bytes:
    (_, raw), *_ = headers.fields(header)
    return headers.unfold(raw.partition(b":")[2])


@pytest.mark.parametrize(
    "text",
    [
        "Grüße",
        "Re: Grüße aus Köln [12]",
        "日本語の件名です。" * 12,
        "a é b ü c",
        "é",
        "trailing é ",
        "emoji 👩‍👩‍👧 family",
    ],
)
def test_text_is_read_back_as_it_was(text: str) -> None:
    made = section(f"Subject: {text}\r\n\r\n".encode())
    assert made.isascii()
    assert encoded_words.decode(value_of(made)) == text.strip()
    assert max(map(len, made.split(b"\r\n"))) <= 90


def test_ascii_fields_stay_octet_for_octet() -> None:
    before, after = b"X-Odd :  a\tb  \r\n\tc\r\n", b"Subject: =?utf-8?q?x?= y\r\nno field\r\n\r\n"
    made = section(before + "X-Name: ü\r\n".encode() + after)
    assert made.startswith(before)
    assert made.endswith(after)


@pytest.mark.parametrize(
    ("written", "names"),
    [
        (
            "Jürgen <j@example.org>, p@example.org",
            [("Jürgen", "j@example.org"), ("", "p@example.org")],
        ),
        ('"Müller, J." <"a b"@example.org>', [("Müller, J.", "a b@example.org")]),
        ("Bücher: a@example.org, É <b@example.org>;", [("", "a@example.org"), ("É", "b@example.org")]),
        ("x@example.org (Zoë)", [("Zoë", "x@example.org")]),
    ],
)
def test_names_are_read_back_and_addresses_stay(written: str, names: list[tuple[str, str]]) -> None:
    made = section(f"To: {written}\r\n\r\n".encode())
    assert made.isascii()
    found = [one for one in addresses.parse(value_of(made)) if one.host is not None]
    assert [
        (encoded_words.decode(one.name or b""), f"{one.mailbox.decode()}@{one.host.decode()}")
        for one in found
    ] == names


@pytest.mark.parametrize("written", ["grün@example.org", "Ü <ü@example.org>", "a@bücher.example"])
def test_an_address_that_ascii_cannot_hold_leads_nowhere_and_is_still_read(written: str) -> None:
    made = section(f"From: {written}\r\n\r\n".encode())
    assert made.isascii()
    assert NOWHERE in made
    [one] = addresses.parse(value_of(made))
    assert written.replace("<", "").replace(">", "") == encoded_words.decode(one.name)


def test_a_file_name_takes_the_form_of_rfc_2231() -> None:
    written = 'Content-Disposition: attachment; filename="Größe 1.pdf"; size=3\r\n\r\n'
    made = section(written.encode())
    assert (
        made == b"Content-Disposition: attachment; filename*=utf-8''Gr%C3%B6%C3%9Fe%201.pdf; size=3\r\n\r\n"
    )
    assert params.parse(value_of(made)).decoded(b"filename") == "Größe 1.pdf"


def test_octets_of_no_utf_8_are_taken_for_what_they_mostly_are() -> None:
    assert encoded_words.decode(value_of(section(b"Subject: caf\xe9\r\n\r\n"))) == "café"


def test_fields_for_programs_keep_their_form() -> None:
    assert section("Message-ID: <é@x>\r\n\r\n".encode()) == b"Message-ID: <?@x>\r\n\r\n"
    assert section("Received: from é by x\r\n\r\n".encode()) == b"Received: from ? by x\r\n\r\n"


def test_a_message_without_anything_to_change_says_so() -> None:
    octets = "Subject: x\r\n\r\nGrüße\r\n".encode()
    assert growth(scan(octets), octets) is None


def test_headers_of_parts_count_too() -> None:
    octets = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: a/b; name=\xc3\xbc\r\n\r\n"
        b"\xc3\xbc\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: \xc3\xbc\r\n\r\nx\r\n--b--\r\n"
    )
    assert growth(scan(octets), octets) == len(b"*=utf-8''%C3%BC") - 3 + len(b"=?utf-8?b?w7w=?=") - 2


NAMES = st.sampled_from([b"Subject", b"To", b"Content-Type", b"Received", b"X-Any", b"From", b"", b"Bcc "])
VALUES = st.one_of(
    st.binary(max_size=40), st.text(max_size=20).map(lambda text: text.encode("utf-8", "replace"))
)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=6), st.sampled_from([b"\r\n", b"\n", b"\r", b""]))
def test_whatever_comes_in_ascii_goes_out_and_twice_is_once(fields, end: bytes) -> None:
    header = b"".join(name + b":" + value + end for name, value in fields) + end
    made = section(header)
    assert made.isascii()
    assert section(made) == made
    if header.isascii():
        assert made == header
