"""Address lists: RFC 5322 sections 3.4 and 4.4, with the vectors of its appendix A."""

from __future__ import annotations

import pytest

from mailkeep.mime import addresses
from mailkeep.mime.addresses import MISSING_DOMAIN, MISSING_MAILBOX, Mailbox

GROUP_END = Mailbox(None, None, None, None)


def mailbox(name: bytes | None, local: bytes, host: bytes, route: bytes | None = None) -> Mailbox:
    return Mailbox(name, route, local, host)


def group(name: bytes) -> Mailbox:
    return Mailbox(None, None, name, None)


# fmt: off
VECTORS = [
    # RFC 5322 appendix A.1
    (b"John Doe <jdoe@machine.example>", [mailbox(b"John Doe", b"jdoe", b"machine.example")]),
    (b'"Joe Q. Public" <john.q.public@example.com>',
     [mailbox(b"Joe Q. Public", b"john.q.public", b"example.com")]),
    (b"Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
     [mailbox(b"Mary Smith", b"mary", b"x.test"), mailbox(None, b"jdoe", b"example.org"),
      mailbox(b"Who?", b"one", b"y.test")]),
    (b'<boss@nil.test>, "Giant; \\"Big\\" Box" <sysservices@example.net>',
     [mailbox(None, b"boss", b"nil.test"), mailbox(b'Giant; "Big" Box', b"sysservices", b"example.net")]),
    (b"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
     [group(b"A Group"), mailbox(b"Ed Jones", b"c", b"a.test"), mailbox(None, b"joe", b"where.test"),
      mailbox(b"John", b"jdoe", b"one.test"), GROUP_END]),
    (b"Undisclosed recipients:;", [group(b"Undisclosed recipients"), GROUP_END]),
    # appendix A.5: comments and folding everywhere
    (b"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
     [mailbox(b"Pete", b"pete", b"silly.test")]),
    (b"A Group(Some people)\t:Chris Jones <c@(Chris's host.)public.example>,\tjoe@example.org,"
     b"\tJohn <jdoe@one.test> (my dear friend); (the end of the group)",
     [group(b"A Group"), mailbox(b"Chris Jones", b"c", b"public.example"),
      mailbox(None, b"joe", b"example.org"), mailbox(b"John", b"jdoe", b"one.test"), GROUP_END]),
    (b"(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;",
     [group(b"Hidden recipients"), GROUP_END]),
    # appendix A.6.1: obsolete addressing
    (b"Joe Q. Public <john.q.public@example.com>",
     [mailbox(b"Joe Q. Public", b"john.q.public", b"example.com")]),
    (b"Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
     [mailbox(b"Mary Smith", b"mary", b"example.net", b"@node.test"),
      mailbox(None, b"jdoe", b"test.example")]),
    (b"<@a.test,@b.test:c@d.test>", [mailbox(None, b"c", b"d.test", b"@a.test,@b.test")]),
    # two groups, and addresses around them
    (b"x@y, one:a@b;, two:;, z@y",
     [mailbox(None, b"x", b"y"), group(b"one"), mailbox(None, b"a", b"b"), GROUP_END,
      group(b"two"), GROUP_END, mailbox(None, b"z", b"y")]),
    # quoted local parts lose their quotes (RFC 9051 section 7.5.2), domain literals keep their brackets
    (b'"john doe"@example.org', [mailbox(None, b"john doe", b"example.org")]),
    (b"Jo <jo@[192.0.2.1]>", [mailbox(b"Jo", b"jo", b"[192.0.2.1]")]),
    # an old form of display name
    (b"jo@example.org (Jo Doe)", [mailbox(b"Jo Doe", b"jo", b"example.org")]),
    # encoded words stay
    (b"=?utf-8?q?J=C3=B6?= <jo@x>", [mailbox(b"=?utf-8?q?J=C3=B6?=", b"jo", b"x")]),
    (b"J\xc3\xb6 <jo@x>", [mailbox(b"J\xc3\xb6", b"jo", b"x")]),
    # broken ones
    (b"", []),
    (b" , ,", []),
    (b"nobody", [mailbox(None, b"nobody", MISSING_DOMAIN)]),
    (b"Some One", [mailbox(None, b"Some One", MISSING_DOMAIN)]),
    (b"<>", [mailbox(None, MISSING_MAILBOX, MISSING_DOMAIN)]),
    (b"x@", [mailbox(None, b"x", MISSING_DOMAIN)]),
    (b"@x", [mailbox(None, MISSING_MAILBOX, b"x")]),
    (b"a@b@c", [mailbox(None, b"a@b", b"c")]),
    (b"Unclosed <a@b", [mailbox(b"Unclosed", b"a", b"b")]),
    (b'"unclosed <a@b>', [mailbox(None, b"unclosed <a@b>", MISSING_DOMAIN)]),
    (b"open:a@b", [group(b"open"), mailbox(None, b"a", b"b"), GROUP_END]),
    (b"a@b;c@d", [mailbox(None, b"a", b"b"), mailbox(None, b"c", b"d")]),
    (b"(only a comment)", []),
    (b"<a@b> <c@d> J D <e@f>",
     [mailbox(None, b"a", b"b"), mailbox(None, b"c", b"d"), mailbox(b"J D", b"e", b"f")]),
    (b"<a@b> what is this, c@d", [mailbox(None, b"a", b"b"), mailbox(None, b"c", b"d")]),
    (b'"" <a@b>, (x) "" <c@d>', [mailbox(None, b"a", b"b"), mailbox(b"x", b"c", b"d")]),
]
# fmt: on


@pytest.mark.parametrize(("value", "expected"), VECTORS)
def test_vector(value: bytes, expected: list[Mailbox]) -> None:
    assert addresses.parse(value) == expected


@pytest.mark.parametrize("junk", [b"(" * 20_000, b'"' * 20_001, b"<" * 20_000, b"[" * 20_000, b"\\" * 20_000])
def test_nesting_without_end_is_read_to_its_end(junk: bytes) -> None:
    assert addresses.parse(b"a@b, " + junk)[0] == mailbox(None, b"a", b"b")


def test_a_list_stops_at_its_limit() -> None:
    assert len(addresses.parse(b"a@b," * (addresses.ADDRESS_LIMIT + 5))) == addresses.ADDRESS_LIMIT
    assert len(addresses.parse(b"(x) a@b," * (addresses.ADDRESS_LIMIT + 5))) == addresses.ADDRESS_LIMIT


def test_a_group_cut_by_the_limit_still_ends() -> None:
    found = addresses.parse(b"g:" + b"a@b," * (addresses.ADDRESS_LIMIT + 5))
    assert found[-1] == GROUP_END


@pytest.mark.parametrize("value", [b"nobody", b"<>", b"x@", b"@x", b"group:;"])
def test_what_is_no_address_has_none(value: bytes) -> None:
    assert [one.address for one in addresses.parse(value) if one.address] == []


def test_the_address_of_a_mailbox() -> None:
    assert [one.address for one in addresses.parse(b"Ann <a@b.example>, c@d.example")] == [
        b"a@b.example",
        b"c@d.example",
    ]
