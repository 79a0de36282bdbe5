"""An SPF record as terms (RFC 7208 sections 4.6 and 12).

All of it is parsed before any of it is evaluated: a slip anywhere makes the whole record a PermError (section
4.6), whatever a term before it would have said.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum

from mailkeep.errors import PeerError
from mailkeep.mailauth.spf.macros import EXPAND, LITERAL
from mailkeep.mailauth.verdict import Verdict

RECORD_LIMIT = 16 * 1024  # characters; what is published has a few hundred

_VERSION = re.compile(rb"v=spf1(?: |\Z)", re.IGNORECASE)
_TOPLABEL = r"(?:[A-Za-z0-9]*[A-Za-z][A-Za-z0-9]*|[A-Za-z0-9]+-[A-Za-z0-9-]*[A-Za-z0-9])"
_MACRO_STRING = re.compile(rf"(?:{EXPAND}|{LITERAL})*\Z")
_EXPLANATION_STRING = re.compile(
    rf"(?:{EXPAND}|%\{{[crtCRT](?:0*[1-9][0-9]*)?[rR]?[-.+,/_=]*\}}|{LITERAL})*\Z"
)
_DOMAIN_END = re.compile(rf"(?:.*\.{_TOPLABEL}\.?|.*{EXPAND})\Z", re.DOTALL)
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9._-]*)=(.*)\Z", re.DOTALL)
_MECHANISM = re.compile(r"([-+?~]?)([A-Za-z][A-Za-z0-9]*)(.*)\Z", re.DOTALL)
_CIDR = re.compile(r"(.*?)(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?\Z", re.DOTALL)

_QUALIFIERS = {
    "": Verdict.PASS,
    "+": Verdict.PASS,
    "-": Verdict.FAIL,
    "~": Verdict.SOFTFAIL,
    "?": Verdict.NEUTRAL,
}


class RecordSyntax(PeerError):
    """The record is not of SPF's grammar."""


class Kind(StrEnum):
    """Mechanisms."""

    ALL = "all"
    INCLUDE = "include"
    A = "a"
    MX = "mx"
    PTR = "ptr"
    IP4 = "ip4"
    IP6 = "ip6"
    EXISTS = "exists"


ASKS_DNS = frozenset({Kind.INCLUDE, Kind.A, Kind.MX, Kind.PTR, Kind.EXISTS})


@dataclass(frozen=True, slots=True)
class Mechanism:
    """`domain` is a domain-spec with its macros, "" if the current domain is meant."""

    kind: Kind
    verdict: Verdict
    domain: str = ""
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None = None
    prefix4: int = 32
    prefix6: int = 128


@dataclass(frozen=True, slots=True)
class SpfRecord:
    """`redirect` is a domain-spec, None without one."""

    mechanisms: tuple[Mechanism, ...]
    redirect: str | None = None


def is_spf(text: bytes) -> bool:
    """True if a TXT record claims to be SPF's (section 4.5)."""
    return _VERSION.match(text) is not None


def parse(text: bytes) -> SpfRecord:
    """A record that `is_spf`. Raises RecordSyntax."""
    if len(text) > RECORD_LIMIT or not text.isascii():
        raise RecordSyntax("The record is too long, or not ASCII.")
    mechanisms: list[Mechanism] = []
    modifiers: dict[str, str] = {}
    for term in text.decode("ascii")[len("v=spf1") :].split(" "):
        if not term:
            continue
        modifier = _MODIFIER.match(term)
        if modifier:
            _take_modifier(modifier.group(1).lower(), modifier.group(2), modifiers)
        else:
            mechanisms.append(_mechanism(term))
    return SpfRecord(tuple(mechanisms), modifiers.get("redirect"))


def _take_modifier(name: str, value: str, taken: dict[str, str]) -> None:
    """Section 6: redirect and exp come once at most; others are passed over if their grammar is right."""
    if name not in {"redirect", "exp"}:
        _require(_EXPLANATION_STRING.match(value))
        return
    _require(name not in taken)
    taken[name] = _domain_spec(value)


def _mechanism(term: str) -> Mechanism:
    found = _MECHANISM.match(term)
    if found is None:
        raise RecordSyntax("A term is a mechanism or a modifier.")
    try:
        kind = Kind(found.group(2).lower())
    except ValueError:
        raise RecordSyntax("There is no such mechanism.") from None
    return _with_argument(kind, _QUALIFIERS[found.group(1)], found.group(3))


def _with_argument(kind: Kind, verdict: Verdict, argument: str) -> Mechanism:
    match kind:
        case Kind.ALL:
            _require(not argument)
            return Mechanism(kind, verdict)
        case Kind.IP4 | Kind.IP6:
            return Mechanism(kind, verdict, network=_network(kind, _after_colon(argument)))
        case Kind.INCLUDE | Kind.EXISTS:
            return Mechanism(kind, verdict, _domain_spec(_after_colon(argument)))
        case Kind.PTR:
            return Mechanism(kind, verdict, _domain_spec(_after_colon(argument)) if argument else "")
        case _:
            return _with_prefixes(kind, verdict, argument)


def _with_prefixes(kind: Kind, verdict: Verdict, argument: str) -> Mechanism:
    """a and mx: a domain and the lengths of two networks, all of which may be missing (section 5.3)."""
    found = _CIDR.match(argument)
    assert found is not None  # every part of the pattern may be empty
    domain, prefix4, prefix6 = found.groups()
    lengths = int(prefix4 or 32), int(prefix6 or 128)
    _require(lengths[0] <= 32 and lengths[1] <= 128)
    return Mechanism(
        kind, verdict, _domain_spec(_after_colon(domain)) if domain else "", None, lengths[0], lengths[1]
    )


def _network(kind: Kind, text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Sections 5.6 and 12: a prefix length has no leading zero, and an address no other form than its own."""
    address, slash, prefix = text.partition("/")
    _require(not slash or re.fullmatch(r"0|[1-9][0-9]{0,2}", prefix))
    try:
        if kind is Kind.IP4:
            return ipaddress.IPv4Network((address, int(prefix or 32)), strict=False)
        _require("%" not in address)
        return ipaddress.IPv6Network((address, int(prefix or 128)), strict=False)
    except ValueError:
        raise RecordSyntax("That is not a network.") from None


def _after_colon(argument: str) -> str:
    _require(argument.startswith(":"))
    return argument[1:]


def _domain_spec(text: str) -> str:
    _require(text and _MACRO_STRING.match(text) and _DOMAIN_END.match(text))
    return text


def _require(condition: object) -> None:
    if not condition:
        raise RecordSyntax("A term is not of its grammar.")
