"""What the domain name system says, as plain values: answers, and three ways of having none.

That a name does not exist, that it has no such record, and that nobody could say are told apart everywhere:
the first two are facts about a domain (RFC 2308), the last is a fault of the moment that must never become a
judgement of somebody's mail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from mailkeep.errors import Fault, NotFound

Record = TypeVar("Record")


class NoRecords(NotFound):
    """The name has no record of that type (NODATA)."""


class NoSuchName(NoRecords):
    """There is no such name (NXDOMAIN), or it could not be one."""


class DnsUnavailable(Fault):
    """No answer in time, or one that cannot be used. The same question may be answered later."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[Record]):
    """Records, at least one. `authentic`: a validating server that we trust says so (RFC 4035 section
    3.2.3)."""

    records: tuple[Record, ...]
    authentic: bool = False


@dataclass(frozen=True, slots=True)
class MailExchanger:
    """An MX record. `host` has no final dot; it is "" in a null MX (RFC 7505)."""

    preference: int
    host: str


@dataclass(frozen=True, slots=True)
class TlsAssociation:
    """A TLSA record (RFC 6698 section 2.1)."""

    usage: int
    selector: int
    matching: int
    data: bytes


class Lookups(Protocol):
    """Questions to the domain name system.

    Each raises NoSuchName, NoRecords, or DnsUnavailable, and takes no longer than whoever made it allowed.
    Names are written without escapes; A-labels and U-labels are both taken.
    """

    async def txt(self, name: str) -> Answer[bytes]:
        """TXT records, the strings of each joined (RFC 7208 section 3.3)."""

    async def a(self, name: str) -> Answer[str]:
        """IPv4 addresses."""

    async def aaaa(self, name: str) -> Answer[str]:
        """IPv6 addresses."""

    async def mx(self, name: str) -> Answer[MailExchanger]:
        """Mail exchangers, the preferred ones first."""

    async def ptr(self, address: str) -> Answer[str]:
        """Names of an IP address, without final dots."""

    async def tlsa(self, name: str) -> Answer[TlsAssociation]:
        """What certificates a service may show, at a name such as `_25._tcp.mx.example`."""
