"""Parameters: RFC 2045 section 5.1, RFC 2183, RFC 2231."""

from __future__ import annotations

import pytest

from mailkeep.mime import params


@pytest.mark.parametrize(
    ("value", "token", "parameters"),
    [
        (b"text/plain", b"text/plain", []),
        (b"text/plain;", b"text/plain", []),
        (b"text/plain; charset=us-ascii", b"text/plain", [(b"charset", b"us-ascii")]),
        (b'text/plain; charset="us-ascii"', b"text/plain", [(b"charset", b"us-ascii")]),
        (b"text/plain; charset=us-ascii (Plain text)", b"text/plain", [(b"charset", b"us-ascii")]),
        (b'a/b; x="a;b=c"; y=z', b"a/b", [(b"x", b"a;b=c"), (b"y", b"z")]),
        (b'a/b; x="q\\"q\\\\"', b"a/b", [(b"x", b'q"q\\')]),
        (b'a/b; x="(no comment)"', b"a/b", [(b"x", b"(no comment)")]),
        (b"a/b; X=1;x=2", b"a/b", [(b"X", b"1"), (b"x", b"2")]),
        (b'a/b; x=""', b"a/b", [(b"x", b"")]),
        # what senders write
        (b"a/b ; x = y", b"a/b", [(b"x", b"y")]),
        (b'a/b; x = "y"', b"a/b", [(b"x", b"y")]),
        (b"a/b; x=my file.pdf; y=1", b"a/b", [(b"x", b"my file.pdf"), (b"y", b"1")]),
        (b'a/b; x="unclosed', b"a/b", [(b"x", b"unclosed")]),
        (b"a/b; x; y=1", b"a/b", [(b"y", b"1")]),
        (b"a/b;; y=1;", b"a/b", [(b"y", b"1")]),
        (b"a/b; y==", b"a/b", [(b"y", b"=")]),
        (b"a/b; =x", b"a/b", []),
        (b"a/(nested (comment))b; (x)y(z)=(w)1", b"a/ b", [(b"y", b"1")]),
        (b"", b"", []),
    ],
)
def test_a_field_is_taken_apart(value: bytes, token: bytes, parameters: list[tuple[bytes, bytes]]) -> None:
    assert params.parse(value) == params.Parameterised(token, tuple(parameters))


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        # RFC 2231 section 3
        (b'm/e; URL*0="ftp://"; URL*1="cs.utk.edu/x"', b"url", "ftp://cs.utk.edu/x"),
        # RFC 2231 section 4
        (b"a/x; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", b"title", "This is ***fun***"),
        # RFC 2231 section 4.1
        (
            b"a/x; title*0*=us-ascii'en'This%20is%20even%20more%20;"
            b' title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2="isn\'t it!"',
            b"title",
            "This is even more ***fun*** isn't it!",
        ),
        # sections out of their order; a gap; the extended form first; no charset; an unknown one
        (b"a/x; f*1=b; f*0=a", b"f", "ab"),
        (b"a/x; f*0=a; f*2=c", b"f", "a"),
        (b"a/x; f=plain; f*=utf-8''%E2%82%AC", b"f", "\u20ac"),
        (b"a/x; f*=%E2%82%AC", b"f", "\u20ac"),
        (b"a/x; f*=nonsense''%E2%82%AC", b"f", "\u20ac"),
        (b"a/x; f*=iso-8859-1''%E9%zz", b"f", "\xe9%zz"),
        (b"a/x; f*0=100%; f*1*=%41", b"f", "100%A"),
        # against the standard, and usual
        (b'a/x; f="=?utf-8?q?=E2=82=AC?="', b"f", "\u20ac"),
        (b'a/x; f="\xe2\x82\xac"', b"f", "\u20ac"),
    ],
)
def test_values_are_decoded(value: bytes, name: bytes, text: str) -> None:
    assert params.parse(value).decoded(name) == text


def test_a_name_that_is_not_there_has_no_value() -> None:
    parsed = params.parse(b"a/b; x=y")
    assert (parsed.get(b"z"), parsed.octets(b"z"), parsed.decoded(b"z")) == (None, None, None)


def test_octets_of_an_extended_value_are_without_escapes() -> None:
    assert params.parse(b"a/b; boundary*=us-ascii''a%20b").octets(b"boundary") == b"a b"


@pytest.mark.parametrize("separator", [b";", b" ;\t"])
def test_more_parameters_than_the_limit_are_not_seen(separator: bytes) -> None:
    pairs = separator.join(b"p%d=v" % number for number in range(params.PARAMETER_LIMIT + 9))
    assert len(params.parse(b"a/b;" + pairs).parameters) == params.PARAMETER_LIMIT


def test_a_value_past_its_limit_is_cut() -> None:
    for value in (b"a/b; x=%b", b'a/b; x = "%b"', b"a/b; x*0=a; x*1=%b"):
        parsed = params.parse(value % (b"y" * params.VALUE_LIMIT * 2))
        assert len(parsed.get(b"x") or b"") == params.VALUE_LIMIT


@pytest.mark.parametrize(
    "junk", [b"(" * 20_000, b'"' * 20_001, b'a="' * 20_000, b"\\" * 20_000, b";=" * 20_000]
)
def test_junk_is_read_to_its_end(junk: bytes) -> None:
    params.parse(b"a/b;" + junk)
    params.parse(junk)
