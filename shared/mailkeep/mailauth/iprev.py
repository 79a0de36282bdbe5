"""iprev (RFC 8601 section 3): does the client's address have a name that leads back to it?"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from mailkeep.mailauth.verdict import Verdict
from mailkeep.model.dns import DnsUnavailable, Lookups, NoRecords

NAMES_LIMIT = 10  # of one address that are looked at


@dataclass(frozen=True, slots=True)
class IprevResult:
    """`name` is the confirmed one, "" without."""

    verdict: Verdict
    address: str
    name: str = ""


async def check_address(address: str, lookups: Lookups) -> IprevResult:
    """The result for an IP address."""
    try:
        names = (await lookups.ptr(address)).records
    except NoRecords:
        return IprevResult(Verdict.PERMERROR, address)
    except DnsUnavailable:
        return IprevResult(Verdict.TEMPERROR, address)
    wanted = ipaddress.ip_address(address)
    verdict = Verdict.FAIL
    for name in names[:NAMES_LIMIT]:
        try:
            found = (await (lookups.a if wanted.version == 4 else lookups.aaaa)(name)).records
        except NoRecords:
            continue
        except DnsUnavailable:
            verdict = Verdict.TEMPERROR
            continue
        if any(ipaddress.ip_address(text) == wanted for text in found):
            return IprevResult(Verdict.PASS, address, name)
    return IprevResult(verdict, address)
