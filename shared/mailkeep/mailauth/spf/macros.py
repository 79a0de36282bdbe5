"""Macros: names that depend on who sends (RFC 7208 section 7)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote

NAME_LIMIT = 253  # characters of an expanded name; labels on the left are dropped (section 7.3)

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

EXPAND = r"%(?:\{[slodiphvSLODIPHV](?:0*[1-9][0-9]*)?[rR]?[-.+,/_=]*\}|%|_|-)"
LITERAL = r"[\x21-\x24\x26-\x7e]"

_EXPANDED = re.compile(r"%(?:\{([a-zA-Z])([0-9]*)([rR]?)([-.+,/_=]*)\}|([%_-]))")
_PLAIN = {"%": "%", "_": " ", "-": "%20"}


@dataclass(frozen=True, slots=True)
class Sender:
    """What macros speak of. `address` has a local part always (section 4.3)."""

    ip: IPAddress
    address: str
    helo: str


def uses_validated_name(text: str) -> bool:
    """True if it holds %{p}, which has to be looked up before `expand`."""
    return any(match.group(1) in {"p", "P"} for match in _EXPANDED.finditer(text))


def expand(text: str, sender: Sender, domain: str, validated: str = "unknown") -> str:
    """A domain-spec as a name, shortened to what DNS carries. `validated` stands for %{p}."""

    def value(match: re.Match[str]) -> str:
        letter, digits, reverse, delimiters, plain = match.groups()
        if plain:
            return _PLAIN[plain]
        parts = re.split(
            f"[{re.escape(delimiters or '.')}]", _value(letter.lower(), sender, domain, validated)
        )
        if reverse:
            parts.reverse()
        if digits:
            parts = parts[-min(int(digits[-4:]), len(parts)) :] if int(digits) < 1000 else parts
        joined = ".".join(parts)
        return quote(joined, safe="") if letter.isupper() else joined

    return _shortened(_EXPANDED.sub(value, text))


def _value(letter: str, sender: Sender, domain: str, validated: str) -> str:
    local, _, sender_domain = sender.address.rpartition("@")
    match letter:
        case "s":
            return sender.address
        case "l":
            return local
        case "o":
            return sender_domain
        case "d":
            return domain
        case "i":
            return _dotted(sender.ip)
        case "p":
            return validated
        case "v":
            return "in-addr" if sender.ip.version == 4 else "ip6"
        case _:  # "h": the grammar lets no other through
            return sender.helo


def _dotted(address: IPAddress) -> str:
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return ".".join(address.exploded.replace(":", ""))


def _shortened(name: str) -> str:
    name = name.removesuffix(".")
    while len(name) > NAME_LIMIT and "." in name:
        name = name.partition(".")[2]
    return name
