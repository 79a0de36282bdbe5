"""check_host() (RFC 7208 section 4): a record's terms in their order, within the limits of section 4.6.4."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from mailkeep.errors import MailkeepError
from mailkeep.mailauth.spf.macros import IPAddress, Sender, expand, uses_validated_name
from mailkeep.mailauth.spf.record import ASKS_DNS, Kind, Mechanism, RecordSyntax, SpfRecord, is_spf, parse
from mailkeep.mailauth.verdict import Verdict
from mailkeep.model.dns import Answer, DnsUnavailable, Lookups, NoRecords

TERM_LIMIT = 10  # terms that ask DNS
VOID_LIMIT = 2  # of their questions that found nothing
NAMES_LIMIT = 10  # MX hosts, names of an address

Record = TypeVar("Record")

_LABEL_LIMIT = 63


@dataclass(frozen=True, slots=True)
class SpfQuestion:
    """One SMTP client and what it said. `mail_from` is "" for the null reverse-path."""

    ip: IPAddress
    helo: str
    mail_from: str = ""

    @property
    def identity(self) -> str:
        """Whose domain is asked (section 2.4): the sender, or postmaster at the HELO name for none."""
        if not self.mail_from:
            return f"postmaster@{self.helo}"
        return self.mail_from if not self.mail_from.startswith("@") else f"postmaster{self.mail_from}"

    @property
    def domain(self) -> str:
        """The domain of it."""
        return self.identity.rpartition("@")[2].lower().removesuffix(".")


@dataclass(frozen=True, slots=True)
class SpfResult:
    """`domain` is whose record was asked for; `reason` is ours to show, "" if the verdict says it all."""

    verdict: Verdict
    domain: str
    reason: str = ""


class _PermanentError(MailkeepError):
    """The record cannot be evaluated (section 2.6.7)."""


async def check_host(question: SpfQuestion, lookups: Lookups) -> SpfResult:
    """Never raises for what DNS says or does not say."""
    domain = question.domain
    if not may_have_record(domain):
        return SpfResult(Verdict.NONE, domain)  # section 4.3
    sender = Sender(_unmapped(question.ip), question.identity, question.helo)
    try:
        return SpfResult(await _Evaluation(sender, lookups).check(domain), domain)
    except DnsUnavailable:
        return SpfResult(Verdict.TEMPERROR, domain, "DNS did not answer")
    except (RecordSyntax, _PermanentError) as error:
        return SpfResult(Verdict.PERMERROR, domain, str(error).rstrip("."))


class _Evaluation:
    """The counts of section 4.6.4 run through all records of one question."""

    def __init__(self, sender: Sender, lookups: Lookups) -> None:
        self._sender = sender
        self._lookups = lookups
        self._terms = 0
        self._voids = 0
        self._validated: str | None = None

    async def check(self, domain: str) -> Verdict:
        """Raises DnsUnavailable, RecordSyntax, _PermanentError."""
        record = await self._record(domain)
        if record is None:
            return Verdict.NONE
        for mechanism in record.mechanisms:
            if await self._matches(mechanism, domain):
                return mechanism.verdict
        if record.redirect is None:
            return Verdict.NEUTRAL  # section 4.7
        self._count_term()
        target = await self._expanded(record.redirect, domain)
        verdict = await self.check(target) if may_have_record(target) else Verdict.NONE
        if verdict is Verdict.NONE:
            raise _PermanentError("The redirect leads to no record.")  # section 6.1
        return verdict

    async def _record(self, domain: str) -> SpfRecord | None:
        try:
            texts = (await self._lookups.txt(domain)).records
        except NoRecords:
            return None
        records = [text for text in texts if is_spf(text)]
        if len(records) > 1:
            raise _PermanentError("The domain has several records.")  # section 4.5
        return parse(records[0]) if records else None

    async def _matches(self, mechanism: Mechanism, domain: str) -> bool:
        if mechanism.kind in ASKS_DNS:
            self._count_term()
        match mechanism.kind:
            case Kind.ALL:
                return True
            case Kind.IP4 | Kind.IP6:
                assert mechanism.network is not None
                return self._sender.ip in mechanism.network
        name = await self._expanded(mechanism.domain, domain) if mechanism.domain else domain
        match mechanism.kind:
            case Kind.INCLUDE:
                return await self._included(name)
            case Kind.A:
                return await self._has_address(name, mechanism)
            case Kind.MX:
                return await self._has_exchanger(name, mechanism)
            case Kind.PTR:
                return any(_is_within(found, name) for found in await self._validated_names())
            case _:  # EXISTS asks for A also of an IPv6 client (section 5.7)
                return bool(await self._counted(self._lookups.a, name))

    async def _included(self, name: str) -> bool:
        """Section 5.2's table."""
        verdict = await self.check(name) if may_have_record(name) else Verdict.NONE
        if verdict is Verdict.NONE:
            raise _PermanentError("An include leads to no record.")
        return verdict is Verdict.PASS

    async def _has_address(self, name: str, mechanism: Mechanism) -> bool:
        return self._in_networks(await self._counted(self._addresses(), name), mechanism)

    async def _has_exchanger(self, name: str, mechanism: Mechanism) -> bool:
        """Section 5.4. Without MX records there is nothing, not even the name's own address."""
        exchangers = await self._counted(self._lookups.mx, name)
        if len(exchangers) > NAMES_LIMIT:
            raise _PermanentError("There are more than ten mail exchangers.")  # section 4.6.4
        for exchanger in exchangers:
            if not exchanger.host:
                continue
            try:
                found = (await self._addresses()(exchanger.host)).records
            except NoRecords:
                continue
            if self._in_networks(found, mechanism):
                return True
        return False

    def _in_networks(self, addresses: Sequence[str], mechanism: Mechanism) -> bool:
        prefix = mechanism.prefix4 if self._sender.ip.version == 4 else mechanism.prefix6
        return any(
            self._sender.ip in ipaddress.ip_network((address, prefix), strict=False) for address in addresses
        )

    async def _validated_names(self) -> list[str]:
        """Names of the client's address that lead back to it (section 5.5). A question that fails is passed
        over, and no more than ten names are looked at."""
        try:
            names = (await self._lookups.ptr(str(self._sender.ip))).records
        except NoRecords:
            self._count_void()
            return []
        except DnsUnavailable:
            return []
        found = []
        for name in names[:NAMES_LIMIT]:
            try:
                addresses = (await self._addresses()(name)).records
            except (NoRecords, DnsUnavailable):
                continue
            if any(ipaddress.ip_address(address) == self._sender.ip for address in addresses):
                found.append(name.lower())
        return found

    async def _expanded(self, spec: str, domain: str) -> str:
        if self._validated is None and uses_validated_name(spec):
            self._validated = _preferred(await self._validated_names(), domain)
        return expand(spec, self._sender, domain, self._validated or "unknown").lower()

    def _addresses(self) -> Callable[[str], Awaitable[Answer[str]]]:
        return self._lookups.a if self._sender.ip.version == 4 else self._lookups.aaaa

    async def _counted(self, ask: Callable[[str], Awaitable[Answer[Record]]], name: str) -> Sequence[Record]:
        """The records, none of which may be: that counts as void. Raises DnsUnavailable, _PermanentError."""
        try:
            return (await ask(name)).records
        except NoRecords:
            self._count_void()
            return ()

    def _count_term(self) -> None:
        self._terms += 1
        if self._terms > TERM_LIMIT:
            raise _PermanentError("The record needs more than ten look-ups.")

    def _count_void(self) -> None:
        self._voids += 1
        if self._voids > VOID_LIMIT:
            raise _PermanentError("More than two look-ups found nothing.")


def _preferred(names: Sequence[str], domain: str) -> str | None:
    """Section 7.3 for %{p}: the domain itself, else a name within it, else any."""
    if domain in names:
        return domain
    return next((name for name in names if _is_within(name, domain)), names[0] if names else None)


def _is_within(name: str, domain: str) -> bool:
    return name == domain or name.endswith(f".{domain}")


def may_have_record(domain: str) -> bool:
    """Section 4.3: labels that DNS carries, and more than one of them; no address literal."""
    labels = domain.split(".")
    fits = all(0 < len(label) <= _LABEL_LIMIT for label in labels)
    return fits and len(labels) > 1 and not re.fullmatch(r"\[.*\]", domain)


def _unmapped(address: IPAddress) -> IPAddress:
    """An IPv4 client on an IPv6 socket is an IPv4 client (section 5)."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
