"""XCLIENT: a filter or balancer in front tells for whom it speaks (Postfix's XCLIENT_README).

ADDR, PORT and HELO count; NAME and PROTO are taken and mean nothing here, where names are asked of DNS.
Whoever may use it may be anybody, so it is offered to configured networks alone.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from mailkeep.errors import PeerError
from mailkeep.smtp.commands import parse_helo
from mailkeep.smtp.errors import ArgumentSyntax
from mailkeep.smtp.parameters import split_parameters

ATTRIBUTES = ("NAME", "ADDR", "PORT", "PROTO", "HELO")
UNKNOWN = frozenset({"[UNAVAILABLE]", "[TEMPUNAVAIL]"})

_HEX = re.compile(r"\+([0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class XClient:
    """What was told; None and "" for what was not."""

    address: str | None = None
    port: int | None = None
    helo: str = ""


def parse_xclient(argument: str) -> XClient:
    """Raises ArgumentSyntax."""
    given = {}
    for keyword, value in split_parameters(argument).items():
        if keyword not in ATTRIBUTES or value is None:
            raise ArgumentSyntax(f"XCLIENT takes {', '.join(ATTRIBUTES)}, each with a value.")
        text = _HEX.sub(lambda match: chr(int(match.group(1), 16)), value)
        given[keyword] = None if text.upper() in UNKNOWN else text
    if not given:
        raise ArgumentSyntax("The form is XCLIENT ADDR=192.0.2.1.")
    return XClient(_address(given.get("ADDR")), _port(given.get("PORT")), _helo(given.get("HELO")))


def _address(text: str | None) -> str | None:
    if text is None:
        return None
    bare = text[5:] if text[:5].upper() == "IPV6:" else text
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        raise ArgumentSyntax("ADDR is an IP address, as 192.0.2.1 or IPV6:2001:db8::1.") from None


def _port(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 5 or int(text) > 65535:
        raise ArgumentSyntax("PORT is a number from 0 to 65535.")
    return int(text)


def _helo(text: str | None) -> str:
    try:
        return "" if text is None else parse_helo(text)
    except PeerError:
        raise ArgumentSyntax("HELO is a name or an address literal.") from None
