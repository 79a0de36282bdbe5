"""What a client's address tells: its confirmed name, and the lists that name it."""

from __future__ import annotations

import pytest
from tests.unit.mailauth.dns_answers import DnsAnswers

from mailkeep.mailauth.dnsbl import listed_by
from mailkeep.mailauth.iprev import IprevResult, check_address
from mailkeep.mailauth.verdict import Verdict

CLIENT = "192.0.2.1"


async def test_a_name_that_leads_back_is_confirmed() -> None:
    """RFC 8601 section 3."""
    dns = DnsAnswers(ptr={CLIENT: ["wrong.test", "mail.test"]}, a={"mail.test": ["192.0.2.9", CLIENT]})
    assert await check_address(CLIENT, dns) == IprevResult(Verdict.PASS, CLIENT, "mail.test")


async def test_ipv6_names_lead_back_by_aaaa() -> None:
    dns = DnsAnswers(ptr={"2001:db8::1": ["mail.test"]}, aaaa={"mail.test": ["2001:db8:0::1"]})
    assert (await check_address("2001:db8::1", dns)).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("dns", "verdict"),
    [
        (DnsAnswers(), Verdict.PERMERROR),
        (DnsAnswers(ptr={CLIENT: ["mail.test"]}, a={"mail.test": ["192.0.2.2"]}), Verdict.FAIL),
        (DnsAnswers(ptr={CLIENT: ["mail.test"]}), Verdict.FAIL),
        (DnsAnswers(broken=[CLIENT]), Verdict.TEMPERROR),
        (DnsAnswers(ptr={CLIENT: ["mail.test"]}, broken=["mail.test"]), Verdict.TEMPERROR),
    ],
)
async def test_an_address_without_a_confirmed_name(dns: DnsAnswers, verdict: Verdict) -> None:
    assert await check_address(CLIENT, dns) == IprevResult(verdict, CLIENT)


async def test_few_of_many_names_are_looked_at() -> None:
    dns = DnsAnswers(ptr={CLIENT: [f"{number}.test" for number in range(500)]})
    assert (await check_address(CLIENT, dns)).verdict is Verdict.FAIL
    assert len(dns.asked) == 11


ZONES = ("first.bl.test", "second.bl.test")


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.0.2.1", "1.2.0.192.second.bl.test"),
        ("::ffff:192.0.2.1", "1.2.0.192.second.bl.test"),
        ("2001:db8::1", "1.0.0.0." + "0.0.0.0." * 5 + "8.b.d.0.1.0.0.2.second.bl.test"),
    ],
)
async def test_a_listed_address_is_found_under_its_octets(address: str, name: str) -> None:
    """RFC 5782 sections 2.1 and 2.4."""
    assert await listed_by(address, ZONES, DnsAnswers(a={name: ["127.0.0.2"]})) == "second.bl.test"


@pytest.mark.parametrize("answer", ["127.255.255.254", "192.0.2.99"])
async def test_what_is_no_listing(answer: str) -> None:
    dns = DnsAnswers(a={"1.2.0.192.first.bl.test": [answer]})
    assert not await listed_by("192.0.2.1", ZONES, dns)


async def test_a_list_without_an_answer_lists_nobody() -> None:
    dns = DnsAnswers(broken=["1.2.0.192.first.bl.test"])
    assert not await listed_by("192.0.2.1", ZONES, dns)
