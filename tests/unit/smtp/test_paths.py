"""Reverse-paths and forward-paths: RFC 5321 section 4.1.2, RFC 6531 section 3.3."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.model.address import Address
from mailkeep.smtp.errors import RecipientSyntax, SenderSyntax
from mailkeep.smtp.paths import parse_forward_path, parse_reverse_path


@pytest.mark.parametrize(
    ("text", "local", "domain"),
    [
        ("<ned@thor.example.com>", "ned", "thor.example.com"),
        ("<Ned+tag@Example.COM>", "Ned+tag", "example.com"),
        ('<"Joe Smith"@example.com>', "Joe Smith", "example.com"),
        ('<"a>b"@example.com>', "a>b", "example.com"),
        (r'<"a\"b"@example.com>', 'a"b', "example.com"),
        ("<a@[192.0.2.1]>", "a", "[192.0.2.1]"),
        ("<a@[IPv6:2001:db8::1]>", "a", "[ipv6:2001:db8::1]"),
        # Source routes are accepted and ignored (RFC 5321 appendix C).
        ("<@hosta.int,@jkl.org:userc@d.bar.org>", "userc", "d.bar.org"),
        ("<@one.example:joe@two.example>", "joe", "two.example"),
        ("<@[IPv6:2001:db8::1],@two.example:joe@three.example>", "joe", "three.example"),
        # What is sent by some and taken by other servers, though the grammar has it otherwise.
        ("a@example.com", "a", "example.com"),
        ("< a@example.com >", "a", "example.com"),
        ("<a..b@example.com>", "a..b", "example.com"),
        ("<.a.@example.com>", ".a.", "example.com"),
        ("<a@exa_mple.com>", "a", "exa_mple.com"),
        (
            "<bounces+" + "a" * 70 + "=example.test@example.com>",
            "bounces+" + "a" * 70 + "=example.test",
            "example.com",
        ),
        # Nothing is routed by what a local part looks like.
        ("<user%elsewhere.example@example.com>", "user%elsewhere.example", "example.com"),
        ("<elsewhere!user@example.com>", "elsewhere!user", "example.com"),
        ('<"user@elsewhere.example"@example.com>', "user@elsewhere.example", "example.com"),
    ],
)
def test_a_path_is_its_mailbox(text: str, local: str, domain: str) -> None:
    path, rest = parse_forward_path(text)
    assert path.address == Address(local, domain)
    assert rest == ""
    assert parse_reverse_path(text)[0].address == Address(local, domain)


def test_parameters_follow_after_a_space() -> None:
    assert parse_reverse_path("<a@example.com> SIZE=10 BODY=7BIT")[1] == "SIZE=10 BODY=7BIT"


def test_parameters_follow_what_has_no_brackets() -> None:
    path, rest = parse_reverse_path("a@example.com \t SIZE=10")
    assert (path.address, rest) == (Address("a", "example.com"), "SIZE=10")


def test_misplaced_dots_are_quoted_when_they_go_on() -> None:
    assert str(parse_forward_path("<a..b@example.com>")[0]) == '<"a..b"@example.com>'


def test_the_null_reverse_path() -> None:
    path, rest = parse_reverse_path("<> SIZE=1")
    assert path.address is None
    assert str(path) == "<>"
    assert rest == "SIZE=1"


@pytest.mark.parametrize("text", ["<postmaster>", "<Postmaster>", "<POSTMASTER>"])
def test_postmaster_needs_no_domain(text: str) -> None:
    """RFC 5321 section 4.1.1.3."""
    path, _ = parse_forward_path(text)
    assert path.address is None
    with pytest.raises(SenderSyntax):
        parse_reverse_path(text)


@pytest.mark.parametrize(
    ("text", "is_ascii"),
    [("<δοκιμή@example.com>", False), ("<a@παράδειγμα.example>", False), ("<a@example.com>", True)],
)
def test_what_needs_smtputf8_is_known(text: str, is_ascii: bool) -> None:
    assert parse_forward_path(text)[0].is_ascii is is_ascii
    assert parse_reverse_path(text)[0].is_ascii is is_ascii


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<a@example.com",
        "a@example.com>",
        "a b@example.com",
        "SIZE=1",
        "<a@example.com>\u00a0SIZE=1",
        "<a>",
        "<@example.com>",
        "<a@>",
        "<a b@example.com>",
        "<a@example.com>SIZE=1",
        "<a@@example.com>",
        "<a@example..com>",
        "<a@-example.com>",
        '<"a@example.com>',
        "<<a@example.com>>",
        "<a@[300.1]>",
        "<" + "a" * 250 + "@example.com>",
        "<a@" + "b." * 130 + "com>",
    ],
)
def test_what_is_no_path(text: str) -> None:
    with pytest.raises(RecipientSyntax):
        parse_forward_path(text)
    with pytest.raises(SenderSyntax):
        parse_reverse_path(text)


def test_an_empty_forward_path_is_no_recipient() -> None:
    with pytest.raises(RecipientSyntax):
        parse_forward_path("<>")


ATOM = st.text("abcXYZ0189!#$%&'*+-/=?^_`{|}~", min_size=1, max_size=10)
LOCAL = st.lists(ATOM, min_size=1, max_size=3).map(".".join)
QUOTED = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20)
DOMAIN = st.lists(st.from_regex(r"\A[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?\Z"), min_size=1, max_size=3).map(
    ".".join
)


@given(st.one_of(LOCAL, QUOTED), DOMAIN, st.sampled_from(["", " SIZE=1"]))
def test_what_is_written_is_read(local: str, domain: str, after: str) -> None:
    address = Address(local, domain)
    path, rest = parse_forward_path(f"<{address}>{after}")
    assert path.address == address
    assert rest == after.strip()


@given(st.text(max_size=60))
def test_any_text_is_a_path_or_an_error(text: str) -> None:
    for parse, error in ((parse_forward_path, RecipientSyntax), (parse_reverse_path, SenderSyntax)):
        try:
            path, _ = parse(text)
        except error:
            continue
        assert path.address is None or path.address.local


def test_a_hostile_path_is_refused_in_linear_time() -> None:
    """A pattern that backtracks would take minutes for these."""
    spaces = "<" + " " * 100_000
    for text in ('<"' + "\\" * 100_000, "<" + '""' * 50_000, '""' * 50_000, "<@" + "a,@" * 50_000, spaces):
        with pytest.raises(SenderSyntax):
            parse_reverse_path(text)
