"""Addresses (RFC 5321 sections 2.3.11 and 4.1.2, RFC 6531)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.errors import InvalidName
from mailkeep.model.address import PATH_LIMIT, Address, normal_domain


@pytest.mark.parametrize(
    ("text", "local", "domain"),
    [
        ("a@example.test", "a", "example.test"),
        ("A.b+c@EXAMPLE.test.", "A.b+c", "example.test"),
        ('"two words"@example.test', "two words", "example.test"),
        ('"a\\"b@c"@example.test', 'a"b@c', "example.test"),
        ("jörg@bücher.example", "jörg", "xn--bcher-kva.example"),
        ("jörg@BÜCHER。example", "jörg", "xn--bcher-kva.example"),
        ("a@web_1.example.test", "a", "web_1.example.test"),
        ("x" * (PATH_LIMIT - 13) + "@example.test", "x" * (PATH_LIMIT - 13), "example.test"),
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
        "x" * (PATH_LIMIT - 12) + "@example.test",
        "a@" + "x." * (PATH_LIMIT // 2) + "test",
        "a@" + "x" * 64 + ".test",
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(InvalidName):
        Address.parse(text)


def test_domains_that_were_one_in_the_idna_of_2003_are_two() -> None:
    """RFC 5894 section 7.2: a domain with "ß" is not the one with "ss"."""
    assert normal_domain("straße.example") == "xn--strae-oqa.example"
    assert normal_domain("strasse.example") == "strasse.example"


@pytest.mark.parametrize(
    "domain", ["☃.example", "a\u200db.example", "\u0300a.example", "ü" * 64 + ".example", "ü..example"]
)
def test_what_is_no_label_of_the_idna_of_2008(domain: str) -> None:
    with pytest.raises(InvalidName):
        normal_domain(domain)


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
