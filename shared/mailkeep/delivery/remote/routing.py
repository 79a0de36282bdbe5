"""Which servers take a domain's mail, in what order, and what TLS they are held to.

DNS decides: MX records, else the domain's own addresses (RFC 5321 section 5.1). A null MX is a no (RFC 7505),
a name that does not exist is one too, and a DNS that does not answer is neither: mail waits then. Servers as
preferred as ourselves are left out, and if we are the best one, mail would go round in circles.

Mail goes to no address of this machine or of the networks around it unless the settings allow that: who may
send mail may not thereby talk to whatever listens there.
"""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from mailkeep.delivery.remote import dane
from mailkeep.delivery.remote.outcome import NotSent, later, never
from mailkeep.delivery.remote.sts import HttpsFetch, Policies
from mailkeep.model.dns import (
    DnsUnavailable,
    Lookups,
    MailExchanger,
    NoRecords,
    NoSuchName,
    TlsAssociation,
)
from mailkeep.observe.logs import get_logger
from mailkeep.settings_relay import RelaySettings, parse_policies, parse_smarthost
from mailkeep.smtp.mta_sts import Mode, Policy

HOSTS_LIMIT = 10  # mail servers of a domain that are tried in one attempt
ADDRESSES_LIMIT = 4  # of one server

log = get_logger(__name__)


class Demand(IntEnum):
    """What a server is held to; each one is stricter than those before."""

    NONE = 0
    MAY = 1  # TLS if it is offered, with whatever certificate (RFC 7435)
    ENCRYPT = 2
    VERIFY = 3  # a certificate from a known authority, for the server's name
    DANE = 4  # RFC 7672


@dataclass(frozen=True, slots=True)
class Server:
    """One that takes the mail. `names` are those that its certificate may be for."""

    host: str
    port: int
    demand: Demand = Demand.MAY
    names: tuple[str, ...] = ()
    associations: tuple[TlsAssociation, ...] = ()
    implicit_tls: bool = False
    by_system: bool = False  # its name is looked up as all programs on this machine do
    ca_file: str = ""  # PEM of a private CA in place of the settings'


@dataclass(frozen=True, slots=True)
class Route:
    """The servers in the order of trying. `trusted`: who they are came by DNSSEC or MTA-STS."""

    servers: tuple[Server, ...]
    trusted: bool = False


class Router:
    """Routes for domains. `hostname` is ours."""

    def __init__(
        self, settings: RelaySettings, resolver: Lookups, hostname: str, policies: Policies | None = None
    ) -> None:
        """`policies` are what MTA-STS says, unless they are to be fetched as the settings have it."""
        self._settings = settings
        self._resolver = resolver
        self._policies_of = policies or Policies(
            resolver, HttpsFetch(resolver, settings.ca_file, self._public)
        )
        self._hostname = hostname.lower()
        self._demand = Demand[settings.tls.upper()]
        self._policies = {
            domain: Demand[demand.upper()] for domain, demand in parse_policies(settings.tls_policies).items()
        }

    async def route(self, domain: str) -> Route:
        """Raises NotSent."""
        if self._settings.route == "smarthost":
            return Route((self._smarthost(),), trusted=True)
        demand = self._policies.get(domain, self._demand)
        if domain.startswith("["):
            address = domain[1:-1].removeprefix("ipv6:")
            return Route((Server(address, self._settings.port, min(demand, Demand.ENCRYPT)),))
        hosts, authentic = await self._hosts(domain)
        policy = await self._policies_of.of(domain) if self._settings.mta_sts else None
        failure = later("4.7.5", f"no server of {domain} is one of its MTA-STS policy")
        held: list[Server] = []
        for host in hosts[:HOSTS_LIMIT]:
            try:
                server = Server(host, self._settings.port, demand, (host,))
                held += await self._held(server, domain, authentic, policy)
            except NotSent as error:
                failure = error
        if not held:
            raise failure
        return Route(tuple(held), authentic or (policy is not None and policy.mode is Mode.ENFORCE))

    async def addresses(self, server: Server) -> Sequence[str]:
        """Where to connect to, IPv6 first. Raises NotSent."""
        if server.by_system:
            return [server.host]
        if _is_address(server.host):
            return self._allowed([server.host], server.host)
        found: list[str] = []
        failure: DnsUnavailable | None = None
        for question in (self._resolver.aaaa, self._resolver.a):
            try:
                found += (await question(server.host)).records[:ADDRESSES_LIMIT]
            except NoRecords:
                continue
            except DnsUnavailable as error:
                failure = error
        if not found and failure is not None:
            raise later("4.4.3", f"DNS for {server.host}: {failure}", server.host)
        if not found:
            raise later("4.4.4", f"the mail server {server.host} has no address", server.host)
        return self._allowed(found, server.host)

    # --- what servers are held to -----------------------------------------------------------------

    async def _held(
        self, server: Server, domain: str, authentic: bool, policy: Policy | None
    ) -> Sequence[Server]:
        """A server held to what its domain asks for, or none if that forbids it. DANE goes before MTA-STS
        (RFC 8461 section 2). Raises NotSent."""
        if authentic and self._settings.dane and (associations := await self._associations(server)):
            chosen = dane.usable(associations)
            if not chosen:  # RFC 7672 section 2.2: records that cannot be used still demand TLS
                return [with_demand(server, Demand.ENCRYPT)]
            names = (server.host, domain)
            return [replace(server, demand=Demand.DANE, names=names, associations=chosen)]
        if policy is None or policy.mode is Mode.NONE:
            return [server]
        if policy.mode is Mode.TESTING:
            if not policy.names(server.host):
                log.warning("a server is not in its domain's MTA-STS policy", domain=domain, host=server.host)
            return [server]
        return [with_demand(server, Demand.VERIFY)] if policy.names(server.host) else []

    async def _associations(self, server: Server) -> Sequence[TlsAssociation]:
        """TLSA records that DNSSEC vouches for, of a server whose address it vouches for (RFC 7672 section
        2.2.2). Raises NotSent if nobody can say: then somebody may be hiding them."""
        name = f"_{server.port}._tcp.{server.host}"
        try:
            if not await self._has_authentic_address(server.host):
                return ()
            answer = await self._resolver.tlsa(name)
        except NoRecords:
            return ()
        except DnsUnavailable as error:
            raise later("4.4.3", f"DNS for {name}: {error}", server.host) from None
        return answer.records if answer.authentic else ()

    async def _has_authentic_address(self, host: str) -> bool:
        for question in (self._resolver.a, self._resolver.aaaa):
            try:
                return (await question(host)).authentic
            except NoRecords:
                continue
        return False

    # --- servers ----------------------------------------------------------------------------------

    def _smarthost(self) -> Server:
        settings = self._settings
        host, port = parse_smarthost(settings.smarthost)
        demand = Demand.NONE if settings.smarthost_tls == "none" else Demand.VERIFY
        implicit = settings.smarthost_tls == "tls"
        return Server(host, port, demand, (host,), implicit_tls=implicit, by_system=True)

    async def _hosts(self, domain: str) -> tuple[list[str], bool]:
        """Names of the mail servers, and whether DNSSEC vouches for them."""
        try:
            answer = await self._resolver.mx(domain)
        except NoSuchName:
            raise never("5.1.2", f"the domain {domain} does not exist") from None
        except NoRecords:
            return await self._implicit(domain)
        except DnsUnavailable as error:
            raise later("4.4.3", f"DNS for {domain}: {error}") from None
        if all(not mx.host for mx in answer.records):
            raise never("5.1.10", f"the domain {domain} takes no mail")  # RFC 7505 section 4.2
        hosts = self._before_us([mx for mx in answer.records if mx.host])
        if not hosts:
            raise never("5.4.6", f"the mail of {domain} comes back to us: its MX is this host")
        return hosts, answer.authentic

    async def _implicit(self, domain: str) -> tuple[list[str], bool]:
        """RFC 5321 section 5.1: without MX records, the domain itself."""
        if domain == self._hostname:
            raise never("5.4.6", f"the mail of {domain} comes back to us")
        for question in (self._resolver.a, self._resolver.aaaa):
            try:
                return [domain], (await question(domain)).authentic
            except NoRecords:
                continue
            except DnsUnavailable as error:
                raise later("4.4.3", f"DNS for {domain}: {error}") from None
        raise never("5.1.2", f"the domain {domain} has neither mail server nor address")

    def _before_us(self, exchangers: Sequence[MailExchanger]) -> list[str]:
        """By preference, those alike in any order, up to ourselves (RFC 5321 section 5.1)."""
        ours = [mx.preference for mx in exchangers if mx.host == self._hostname]
        limit = min(ours, default=1 << 16)
        chosen = [mx for mx in exchangers if mx.preference < limit]
        shuffled = random.sample(chosen, len(chosen))
        return [mx.host for mx in sorted(shuffled, key=lambda mx: mx.preference)]

    def _allowed(self, addresses: Sequence[str], host: str) -> Sequence[str]:
        allowed = self._public(addresses)
        if not allowed:
            raise never("5.4.6", f"the mail server {host} is said to be in our own network", host)
        return allowed

    def _public(self, addresses: Sequence[str]) -> list[str]:
        return [address for address in addresses if self._settings.loopback or _is_public(address)]


def with_demand(server: Server, demand: Demand) -> Server:
    """The same server, held to more."""
    return replace(server, demand=max(server.demand, demand))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_public(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return parsed.is_global and not parsed.is_multicast
