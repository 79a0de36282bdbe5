"""Encoded words: RFC 2047, with the examples of its section 8."""

from __future__ import annotations

import pytest

from mailkeep.mime import encoded_words


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"=?US-ASCII?Q?Keith_Moore?=", "Keith Moore"),
        (b"=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=", "Keld J\xf8rn Simonsen"),
        (b"=?ISO-8859-1?Q?Andr=E9?= Pirard", "Andr\xe9 Pirard"),
        (
            b"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n"
            b" =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
            "If you can read this you understand the example.",
        ),
        (b"(=?ISO-8859-1?Q?a?=)", "(a)"),
        (b"(=?ISO-8859-1?Q?a?= b)", "(a b)"),
        (b"(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"),
        (b"(=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=)", "(ab)"),
        (b"(=?ISO-8859-1?Q?a_b?=)", "(a b)"),
        (b"(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)"),
        # RFC 2231 section 5: a language
        (b"=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"),
        # a character split between words
        (b"=?utf-8?b?4oI=?= =?UTF-8?b?rA==?=", "\u20ac"),
        # what is none
        (b"", ""),
        (b"plain", "plain"),
        (b"=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
        (b"=?utf-8?q?abc", "=?utf-8?q?abc"),
        (b"=?utf-8?q?abc?= tail", "abc tail"),
        (b"a=?utf-8?q?b?=c", "abc"),
        (b"1 =? 2 ?= 3", "1 =? 2 ?= 3"),
        # damaged ones
        (b"=?utf-8?b?4oKs4?=", "\u20ac"),
        (b"=?utf-8?q?=E2=82?=", "\ufffd"),
        (b"=?utf-8?q?50=ZZ?=", "50=ZZ"),
        (b"=?nonsense?q?=C3=A9?=", "\xe9"),
        (b"=?utf-8?q?two words?=", "two words"),
        # eight bits without encoding
        (b"caf\xc3\xa9", "caf\xe9"),
        (b"caf\xe9", "caf\xe9"),
        (b"folded\r\n value", "folded value"),
    ],
)
def test_vector(raw: bytes, text: str) -> None:
    assert encoded_words.decode(raw) == text
