"""SPF: the suite published with RFC 7208, and what it leaves out."""

from __future__ import annotations

import ipaddress
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.mailauth.spf_suite import PACKAGE, SUITE, Case, SuiteLookups, cases

from mailkeep.mailauth.spf import SpfQuestion, check_host
from mailkeep.mailauth.spf.macros import Sender, expand
from mailkeep.mailauth.spf.record import RecordSyntax, parse
from mailkeep.mailauth.verdict import Verdict

RFC7208_SENDER = Sender(ipaddress.ip_address("192.0.2.3"), "strong-bad@email.example.com", "mx.example.org")
DOMAIN = "email.example.com"


def _suite() -> list[Case]:
    return list(cases()) if SUITE.exists() else []


@pytest.mark.parametrize("case", _suite(), ids=lambda case: case.name)
async def test_the_published_suite(case: Case) -> None:
    question = SpfQuestion(ipaddress.ip_address(case.ip), case.helo, case.mail_from)
    result = await check_host(question, SuiteLookups(case.zone))
    assert result.verdict.value in case.results, result.reason


def test_the_published_suite_is_there() -> None:
    if not SUITE.exists():
        assert os.environ.get("MAILKEEP_REQUIRE_CLIENTS") != "1", f"Debian's {PACKAGE} is not installed"
        pytest.skip(f"Debian's {PACKAGE} is not installed")
    assert len(_suite()) > 200


@pytest.mark.parametrize(
    ("macro", "name"),
    [
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l}", "strong-bad"),
        ("%{l-}", "strong.bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
        ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
        ("%{d99999999999999999999999}", "email.example.com"),
        ("%%%_%-", "% %20"),
    ],
)
def test_macros_expand_as_rfc7208_section_7_4_shows(macro: str, name: str) -> None:
    assert expand(macro, RFC7208_SENDER, DOMAIN) == name


def test_an_ipv6_client_is_written_by_nibbles() -> None:
    sender = Sender(ipaddress.ip_address("2001:db8::cb01"), "strong-bad@email.example.com", "")
    expanded = expand("%{ir}.%{v}._spf.%{d2}", sender, DOMAIN)
    assert expanded == f"1.0.b.c.{'0.' * 20}8.b.d.0.1.0.0.2.ip6._spf.example.com"


@given(st.binary(max_size=200))
def test_any_octets_are_a_record_or_a_syntax_error(octets: bytes) -> None:
    try:
        parse(b"v=spf1 " + octets)
    except RecordSyntax:
        return


async def test_records_that_include_each_other_end() -> None:
    zone: dict[str, list[Any]] = {
        "a.test": [{"TXT": "v=spf1 include:b.test"}],
        "b.test": [{"TXT": "v=spf1 include:a.test"}],
    }
    question = SpfQuestion(ipaddress.ip_address("192.0.2.1"), "h.test", "x@a.test")
    assert (await check_host(question, SuiteLookups(zone))).verdict is Verdict.PERMERROR


async def test_an_ipv4_client_on_an_ipv6_socket_is_one() -> None:
    zone: dict[str, list[Any]] = {"a.test": [{"TXT": "v=spf1 ip4:192.0.2.1 -all"}]}
    question = SpfQuestion(ipaddress.ip_address("::ffff:192.0.2.1"), "h.test", "x@a.test")
    assert (await check_host(question, SuiteLookups(zone))).verdict is Verdict.PASS
