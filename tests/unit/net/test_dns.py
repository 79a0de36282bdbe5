"""The resolver beside a real name server on loopback: answers, three ways of having none, limits of time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from tests.support.dns_zone import DnsZone

from mailkeep.model.dns import DnsUnavailable, MailExchanger, NoRecords, NoSuchName, TlsAssociation
from mailkeep.net.dns import Resolver
from mailkeep.settings import load_settings
from mailkeep.settings_dns import DnsSettings, parse_nameserver

ZONE = """
example.test. A 192.0.2.1
example.test. A 192.0.2.2
example.test. AAAA 2001:db8::1
example.test. MX 20 second.example.test.
example.test. MX 10 First.example.test.
example.test. TXT "v=spf1 " "-all"
null.test. MX 0 .
alias.test. CNAME example.test.
dangling.test. CNAME nowhere.test.
1.2.0.192.in-addr.arpa. PTR mail.example.test.
_25._tcp.mx.example.test. TLSA 3 1 1 {digest}
long.test. TXT "{long}" "{long}" "{long}" "{long}" "{long}" "{long}"
odd\\"\\032name.test. TXT "found"
brief.test. 0 TXT "brief"
""".format(long="x" * 250, digest="ab" * 32)


@pytest.fixture
def zone() -> Iterator[DnsZone]:
    with DnsZone(ZONE) as served:
        yield served


@pytest.fixture
def resolver(zone: DnsZone) -> Resolver:
    return Resolver(DnsSettings(nameservers=(zone.place,), timeout_seconds=20.0))


async def test_records_come_as_values(resolver: Resolver) -> None:
    assert set((await resolver.a("example.test")).records) == {"192.0.2.1", "192.0.2.2"}
    assert (await resolver.aaaa("EXAMPLE.test.")).records == ("2001:db8::1",)
    assert (await resolver.ptr("192.0.2.1")).records == ("mail.example.test",)
    tlsa = TlsAssociation(3, 1, 1, b"\xab" * 32)
    assert (await resolver.tlsa("_25._tcp.mx.example.test")).records == (tlsa,)


async def test_the_preferred_exchanger_comes_first(resolver: Resolver) -> None:
    first, second = MailExchanger(10, "first.example.test"), MailExchanger(20, "second.example.test")
    assert (await resolver.mx("example.test")).records == (first, second)


async def test_a_null_mx_has_no_host(resolver: Resolver) -> None:
    """RFC 7505 section 3."""
    assert (await resolver.mx("null.test")).records == (MailExchanger(0, ""),)


async def test_strings_of_one_text_are_joined(resolver: Resolver) -> None:
    assert (await resolver.txt("example.test")).records == (b"v=spf1 -all",)


async def test_what_udp_cannot_carry_comes_over_tcp(resolver: Resolver) -> None:
    assert (await resolver.txt("long.test")).records == (b"x" * 1500,)


async def test_aliases_are_followed(resolver: Resolver) -> None:
    assert len((await resolver.mx("alias.test")).records) == 2


async def test_names_hold_any_octets_and_know_no_escapes(resolver: Resolver) -> None:
    assert (await resolver.txt('odd" name.test')).records == (b"found",)


async def test_no_name_and_no_record_are_told_apart(resolver: Resolver) -> None:
    with pytest.raises(NoSuchName):
        await resolver.a("nowhere.test")
    with pytest.raises(NoSuchName):
        await resolver.a("dangling.test")
    with pytest.raises(NoRecords) as caught:
        await resolver.a("null.test")
    assert not isinstance(caught.value, NoSuchName)


@pytest.mark.parametrize("name", ["", ".", "a..test", ".test", "x" * 64 + ".test", "a." * 127 + "test"])
async def test_what_cannot_be_a_name_is_no_name(resolver: Resolver, zone: DnsZone, name: str) -> None:
    with pytest.raises(NoSuchName):
        await resolver.a(name)
    assert not zone.asked


async def test_a_server_that_fails_is_not_an_answer(resolver: Resolver, zone: DnsZone) -> None:
    zone.fail("example.test")
    with pytest.raises(DnsUnavailable):
        await resolver.a("example.test")


async def test_a_failure_is_remembered_for_a_moment(resolver: Resolver, zone: DnsZone) -> None:
    zone.fail("example.test")
    for _ in range(3):
        with pytest.raises(DnsUnavailable):
            await resolver.a("example.test")
    assert zone.asked["example.test", "A"] == 1


async def test_a_silent_server_is_given_up(zone: DnsZone) -> None:
    zone.silence("example.test")
    resolver = Resolver(DnsSettings(nameservers=(zone.place,), timeout_seconds=0.05))
    with pytest.raises(DnsUnavailable):
        await resolver.a("example.test")


async def test_no_server_at_all_is_a_failure() -> None:
    with pytest.raises(DnsUnavailable):
        await Resolver(DnsSettings(nameservers=("127.0.0.1:1",), timeout_seconds=5)).a("example.test")


async def test_answers_are_asked_for_once(resolver: Resolver, zone: DnsZone) -> None:
    for _ in range(3):
        await resolver.txt("example.test")
        with pytest.raises(NoSuchName):
            await resolver.txt("nowhere.test")
        with pytest.raises(NoRecords):
            await resolver.txt("null.test")
    assert set(zone.asked.values()) == {1}


async def test_nothing_is_kept_past_its_time(resolver: Resolver, zone: DnsZone) -> None:
    await resolver.txt("brief.test")
    await resolver.txt("brief.test")
    assert zone.asked["brief.test", "TXT"] == 2


async def test_the_cache_is_bounded(zone: DnsZone) -> None:
    resolver = Resolver(DnsSettings(nameservers=(zone.place,), cache_answers=2))
    for name in ("example.test", "alias.test", "long.test", "example.test"):
        await resolver.txt(name)
    assert zone.asked["example.test", "TXT"] == 2


async def test_one_message_has_one_budget(zone: DnsZone) -> None:
    zone.all_silent = True
    settings = DnsSettings(nameservers=(zone.place,), timeout_seconds=60.0, message_seconds=0.2)
    message = Resolver(settings).for_message()
    for number in range(50):  # each would wait a minute by itself
        with pytest.raises(DnsUnavailable):
            await message.txt(f"{number}.test")
    assert zone.asked.total() <= 2


async def test_messages_share_what_was_learnt(resolver: Resolver, zone: DnsZone) -> None:
    await asyncio.gather(resolver.for_message().txt("example.test"))
    await resolver.for_message().txt("example.test")
    assert zone.asked["example.test", "TXT"] == 1


@pytest.mark.parametrize("validating", [True, False])
async def test_authentic_is_believed_of_servers_that_validate(validating: bool) -> None:
    with DnsZone(ZONE, authentic=True) as zone:
        resolver = Resolver(DnsSettings(nameservers=(zone.place,), validating=validating))
        assert (await resolver.mx("example.test")).authentic is validating


@pytest.mark.parametrize(
    ("place", "parsed"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
    ],
)
def test_name_servers_are_addresses(place: str, parsed: tuple[str, int]) -> None:
    assert parse_nameserver(place) == parsed


@pytest.mark.parametrize("place", ["ns.example", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:x", "[::1", ""])
def test_a_slip_in_a_name_server_is_named(place: str) -> None:
    with pytest.raises(ValueError, match="nameservers"):
        DnsSettings(nameservers=(place,))


def test_name_servers_come_from_the_settings() -> None:
    settings = load_settings(environ={"MAILKEEP_DNS_NAMESERVERS": "192.0.2.1, [::1]:5353"})
    assert settings.dns.nameservers == ("192.0.2.1", "[::1]:5353")
