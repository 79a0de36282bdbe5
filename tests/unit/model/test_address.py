"""Addresses (RFC 5321 sections 2.3.11 and 4.1.2, RFC 6531)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.errors import InvalidName
from mailkeep.model.address import LOCAL_PART_LIMIT, PATH_LIMIT, Address


@pytest.mark.parametrize(
    ("text", "local", "domain"),
    [
        ("a@example.test", "a", "example.test"),
        ("A.b+c@EXAMPLE.test.", "A.b+c", "example.test"),
        ('"two words"@example.test', "two words", "example.test"),
        ('"a\\"b@c"@example.test', 'a"b@c', "example.test"),
        ("jörg@bücher.example", "jörg", "xn--bcher-kva.example"),
        ("a@[192.0.2.1]", "a", "[192.0.2.1]"),
        ("a@[IPv6:2001:DB8::1]", "a", "[ipv6:2001:db8::1]"),
    ],
)
def test_addresses(text: str, local: str, domain: str) -> None:
    parsed = Address.parse(text)
    assert (parsed.local, parsed.domain) == (local, domain)
    assert Address.parse(str(parsed)) == parsed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "@example.test",
        "a@",
        "a b@example.test",
        ".a@example.test",
        "a.@example.test",
        "a..b@example.test",
        "<a@example.test>",
        "a@exa mple.test",
        "a@-x.test",
        "a@x..test",
        "a@[1.2.3]",
        '"open@example.test',
        "a\x00@example.test",
        "a\r\n@example.test",
        "\udcff@example.test",
        "x" * (LOCAL_PART_LIMIT + 1) + "@example.test",
        "a@" + "x." * (PATH_LIMIT // 2) + "test",
        "a@" + "x" * 64 + ".test",
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(InvalidName):
        Address.parse(text)


def test_the_key_ignores_case() -> None:
    assert Address.parse("JöRG@Example.Test").key == Address.parse("jörg@example.test").key


def test_tags() -> None:
    """RFC 5233."""
    assert str(Address.parse("user+tag+more@example.test").without_tag()) == "user@example.test"
    assert str(Address.parse("+tag@example.test").without_tag()) == "+tag@example.test"
    plain = Address.parse("user@example.test")
    assert plain.without_tag() is plain


@given(st.text(max_size=70))
def test_parsing_refuses_or_reads_back(text: str) -> None:
    try:
        parsed = Address.parse(text + "@example.test")
    except InvalidName:
        return
    assert Address.parse(str(parsed)) == parsed
    assert parsed.key == parsed.key.encode("utf-8").decode("utf-8")
