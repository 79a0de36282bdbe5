"""Name resolution: dnspython's asyncio resolver, with a bounded cache and an end to every wait.

Answers are kept for their time to live and no longer than ANSWER_SECONDS, that there is none as RFC 2308 has
it and no longer than NOTHING_SECONDS, and that nobody answered for UNAVAILABLE_SECONDS (RFC 2308 section 7):
while a domain's servers are dead, each message that names it would otherwise wait for them anew.

This is a stub: it asks the servers that it was given and follows no delegation. It validates nothing itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from mailkeep.model.dns import (
    Answer,
    DnsUnavailable,
    MailExchanger,
    NoRecords,
    NoSuchName,
    TlsAssociation,
)
from mailkeep.settings_dns import DnsSettings, parse_nameserver

if TYPE_CHECKING:
    import dns.asyncresolver
    import dns.message
    import dns.name
    import dns.resolver

ANSWER_SECONDS = 3600.0
NOTHING_SECONDS = 900.0
UNAVAILABLE_SECONDS = 5.0
UNAVAILABLE_LIMIT = 10_000  # questions that are remembered as unanswerable
ATTEMPT_SECONDS = 2.0  # until the next server is asked
UDP_PAYLOAD = 1232  # octets, so that no answer is sent in fragments
RECORDS_LIMIT = 200  # of one answer; no setting of mail needs more

Record = TypeVar("Record")


class Resolver:
    """The resolver of one process: `Lookups` with a time limit for each question."""

    def __init__(self, settings: DnsSettings) -> None:
        self._settings = settings
        self._made: dns.asyncresolver.Resolver | None = None
        self._unavailable: dict[tuple[str, str], float] = {}

    def for_message(self) -> Resolver:
        """The same, with the same cache, for one message: all questions together have `message_seconds`."""
        return _Budgeted(self, self._settings.message_seconds)

    async def txt(self, name: str) -> Answer[bytes]:
        """See Lookups."""
        return await self._ask(name, "TXT", lambda record: b"".join(record.strings))

    async def a(self, name: str) -> Answer[str]:
        """See Lookups."""
        return await self._ask(name, "A", lambda record: str(record.address))

    async def aaaa(self, name: str) -> Answer[str]:
        """See Lookups."""
        return await self._ask(name, "AAAA", lambda record: str(record.address))

    async def mx(self, name: str) -> Answer[MailExchanger]:
        """See Lookups."""
        found = await self._ask(
            name, "MX", lambda record: MailExchanger(record.preference, _host(record.exchange))
        )
        return Answer(tuple(sorted(found.records, key=lambda mx: mx.preference)), found.authentic)

    async def ptr(self, address: str) -> Answer[str]:
        """See Lookups."""
        from dns import exception, reversename  # noqa: PLC0415  90 ms that a host without DNS does not pay

        try:
            name = str(reversename.from_address(address))
        except exception.SyntaxError:
            raise NoSuchName(f"{address} is not an IP address.") from None
        return await self._ask(name, "PTR", lambda record: _host(record.target))

    async def tlsa(self, name: str) -> Answer[TlsAssociation]:
        """See Lookups."""
        return await self._ask(
            name,
            "TLSA",
            lambda record: TlsAssociation(record.usage, record.selector, record.mtype, record.cert),
        )

    async def query(self, name: str, rdtype: str, lifetime: float) -> dns.resolver.Answer:
        """One question of any type, answered within `lifetime` seconds. Raises as Lookups does."""
        import dns.exception  # noqa: PLC0415
        import dns.resolver  # noqa: PLC0415

        question = (name.lower(), rdtype)
        if self._unavailable.get(question, 0.0) > time.monotonic():
            raise DnsUnavailable(f"{_shown(name)} {rdtype}: no usable answer a moment ago.")
        try:
            async with asyncio.timeout(lifetime):
                return await self._resolver().resolve(_name(name), rdtype, search=False, lifetime=lifetime)
        except dns.resolver.NXDOMAIN:
            raise NoSuchName(f"There is no name {_shown(name)}.") from None
        except dns.resolver.NoAnswer:
            raise NoRecords(f"{_shown(name)} has no {rdtype} record.") from None
        except (dns.exception.DNSException, OSError) as error:  # TimeoutError is an OSError
            self._note_unavailable(question)
            raise DnsUnavailable(f"{_shown(name)} {rdtype}: {type(error).__name__}.") from None

    async def _ask(self, name: str, rdtype: str, value: Callable[[Any], Record]) -> Answer[Record]:
        found = await self.query(name, rdtype, self._settings.timeout_seconds)
        assert found.rrset is not None
        records = tuple(value(record) for record in list(found.rrset)[:RECORDS_LIMIT])
        return Answer(records, self._settings.validating and _is_authentic(found.response))

    def _note_unavailable(self, question: tuple[str, str]) -> None:
        if len(self._unavailable) >= UNAVAILABLE_LIMIT:
            self._unavailable.clear()
        self._unavailable[question] = time.monotonic() + UNAVAILABLE_SECONDS

    def _resolver(self) -> dns.asyncresolver.Resolver:
        """Made at the first question. Raises dns.resolver.NoResolverConfiguration."""
        if self._made is None:
            self._made = _make_resolver(self._settings)
        return self._made


class _Budgeted(Resolver):
    """A resolver that stops asking at a point in time."""

    def __init__(self, shared: Resolver, seconds: float) -> None:
        super().__init__(shared._settings)
        self._shared = shared
        self._until = time.monotonic() + seconds

    async def query(self, name: str, rdtype: str, lifetime: float) -> dns.resolver.Answer:
        """Raises DnsUnavailable at once when the time is over."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise DnsUnavailable("DNS took too long for this message.")
        return await self._shared.query(name, rdtype, min(lifetime, left))


def _make_resolver(settings: DnsSettings) -> dns.asyncresolver.Resolver:
    import dns.asyncresolver  # noqa: PLC0415
    import dns.flags  # noqa: PLC0415
    import dns.nameserver  # noqa: PLC0415
    import dns.resolver  # noqa: PLC0415

    class BoundedCache(dns.resolver.LRUCache):
        """Keeps nothing for longer than we want to, whatever a server says."""

        def put(self, key: Any, value: dns.resolver.Answer) -> None:
            longest = NOTHING_SECONDS if value.rrset is None else ANSWER_SECONDS
            value.expiration = min(value.expiration, time.time() + longest)
            super().put(key, value)

    made = dns.asyncresolver.Resolver(configure=not settings.nameservers)
    if settings.nameservers:
        made.nameservers = [
            dns.nameserver.Do53Nameserver(*parse_nameserver(place)) for place in settings.nameservers
        ]
    made.timeout = ATTEMPT_SECONDS
    made.cache = BoundedCache(settings.cache_answers)
    made.use_edns(0, 0, UDP_PAYLOAD)
    made.set_flags(dns.flags.RD | dns.flags.AD)  # RFC 6840 section 5.7: tell us if it is authentic
    return made


def _name(text: str) -> dns.name.Name:
    """Labels between dots, with no escapes: SPF macros make names of any octets. Raises NoSuchName."""
    import dns.exception  # noqa: PLC0415
    import dns.name  # noqa: PLC0415

    try:
        labels = [_label(label) for label in text.removesuffix(".").split(".")]
        return dns.name.Name([*labels, b""])
    except (dns.exception.DNSException, UnicodeError):  # an empty label, one too long, a name too long
        raise NoSuchName("That is not a name that DNS can carry.") from None


def _label(text: str) -> bytes:
    return text.encode("ascii" if text.isascii() else "idna")


def _host(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower() if len(name) > 1 else ""


def _shown(name: str) -> str:
    """A name as it may stand in a log line or a reply."""
    return "".join(char if char.isprintable() else "?" for char in name[:255])


def _is_authentic(response: dns.message.Message) -> bool:
    import dns.flags  # noqa: PLC0415

    return bool(response.flags & dns.flags.AD)
