"""Character sets: what mail calls them, and what it means by that."""

from __future__ import annotations

import encodings

import pytest

from mailkeep.mime import charset


@pytest.mark.parametrize(
    ("octets", "name", "text"),
    [
        (b"caf\xc3\xa9", "utf-8", "caf\xe9"),
        (b"caf\xc3\xa9", "UTF8", "caf\xe9"),
        (b"caf\xe9 \x80", "iso-8859-1", "caf\xe9 \u20ac"),  # labelled so, and meant as Windows-1252
        (b"caf\xe9", "ISO_8859-1:1987", "caf\xe9"),
        (b"\xb1", "iso-8859-2", "\u0105"),
        (b"\xc0", "koi8-r", "\u044e"),
        (b"\xc4\xe3\xba\xc3", "gb2312", "\u4f60\u597d"),
        (b"\x82\xb1", "shift_jis", "\u3053"),
        (b"\xb0\xa1", "ks_c_5601-1987", "\uac00"),
        (b"\x1b$B$3\x1b(B", "iso-2022-jp", "\u3053"),
        (b"\xe0", "iso-8859-8-i", "\u05d0"),
        (b"+AOk-", "utf-7", "\xe9"),
        # nothing said, or nothing known
        (b"caf\xc3\xa9", "", "caf\xe9"),
        (b"caf\xc3\xa9", "us-ascii", "caf\xe9"),
        (b"caf\xe9", "us-ascii", "caf\xe9"),
        (b"caf\xe9", "x-unknown", "caf\xe9"),
        (b"caf\xe9\x81", "", "caf\xe9\ufffd"),
        # damaged
        (b"caf\xe9", "utf-8", "caf\ufffd"),
        (b"\xff\xff", "gb18030", "\ufffd\ufffd"),
    ],
)
def test_octets_become_text(octets: bytes, name: str, text: str) -> None:
    assert charset.decode(octets, name) == text


NO_CHARSETS = ["base64", "hex", "rot13", "zlib", "bz2", "uu", "quopri", "idna", "punycode", "undefined"]
NO_CHARSETS += ["unicode_escape", "raw_unicode_escape", "../x", "\0", "\ud800"]


@pytest.mark.parametrize("name", NO_CHARSETS)
def test_what_is_no_charset_is_not_looked_up(name: str) -> None:
    assert charset.encoding_of(name) == ""
    assert charset.decode(b"\\x41 caf\xc3\xa9", name) == "\\x41 caf\xe9"


def test_names_out_of_messages_are_not_remembered() -> None:
    # Python's registry keeps every name that it was ever asked for.
    before = len(encodings._cache)  # type: ignore[attr-defined]
    for number in range(50):
        charset.decode(b"x", f"x-made-up-{number}")
    assert len(encodings._cache) == before  # type: ignore[attr-defined]


def test_every_known_encoding_decodes() -> None:
    for alias in charset._ENCODINGS:
        assert isinstance(charset.decode(b"text\xff", alias), str)


def test_storable_text_has_no_nul_and_no_surrogates_and_is_bounded() -> None:
    assert charset.storable("a\0b\ud800c\udfffd", 10) == "a\ufffdb\ufffdc\ufffdd"
    assert charset.storable("abc", 2) == "ab"
