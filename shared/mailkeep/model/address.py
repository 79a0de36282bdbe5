"""Mail addresses: one parser, one normal form.

An address is taken apart once, at the edge. `Address.key` is the form under which it is stored,
compared and looked up; `str(address)` keeps the local part as the sender wrote it, because RFC 5321
section 2.4 says it is the receiver's to interpret. Comments and display names are not addresses and
are refused here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from mailkeep.errors import InvalidName

DOMAIN_LIMIT = 255  # octets, RFC 5321 section 4.5.3.1.2
PATH_LIMIT = 254
"""Octets without the angle brackets (RFC 5321 section 4.5.3.1.3). Local parts have no limit of their own, as
section 4.5.3.1 asks: return addresses that name their recipient are often longer than the 64 octets that
everybody must take."""

_ATEXT = r"[^\x00-\x20\x7f-\x9f()<>\[\]:;@\\,.\"]"
_DOT_STRING = re.compile(rf"{_ATEXT}+(?:\.{_ATEXT}+)*\Z")  # RFC 5321 Dot-string with RFC 6531 UTF8-non-ascii
_QUOTED = re.compile(r'"((?:[^\x00-\x1f\x7f"\\]|\\[\x20-\x7e])*)"\Z')  # RFC 5321 Quoted-string
_LABEL = re.compile(
    r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\Z"
)  # RFC 2181 section 11: DNS has hosts with "_"
_ADDRESS_LITERAL = re.compile(r"\[(?:\d{1,3}(?:\.\d{1,3}){3}|ipv6:[0-9a-f:.]+)\]\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    """`local` as written, without its quotes; `domain` in its normal form: lower case, A-labels."""

    local: str
    domain: str

    @classmethod
    def parse(cls, text: str) -> Address:
        """An address from `local@domain`, `"quoted local"@domain` or `local@[192.0.2.1]`.

        Raises InvalidName with a sentence that says what is wrong.
        """
        return _remembered(text) if len(text) <= PATH_LIMIT else _parse(text)

    @property
    def key(self) -> str:
        """The form under which the address is stored and looked up: case-insensitive, as every peer does."""
        return f"{self.local.casefold()}@{self.domain}"

    @property
    def is_ascii(self) -> bool:
        """False if carrying it needs SMTPUTF8 (RFC 6531)."""
        return self.local.isascii()

    def without_tag(self, separator: str = "+") -> Address:
        """`user+tag@domain` as `user@domain` (RFC 5233 subaddressing); unchanged if there is no tag."""
        user, found, _ = self.local.partition(separator)
        return Address(user, self.domain) if found and user else self

    def __str__(self) -> str:
        if _DOT_STRING.match(self.local):
            return f"{self.local}@{self.domain}"
        escaped = self.local.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"@{self.domain}'


def _parse(text: str) -> Address:
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain:
        raise InvalidName("An address has the form name@domain.")
    if len(text.encode("utf-8", "surrogateescape")) > PATH_LIMIT:
        raise InvalidName(f"The address is longer than {PATH_LIMIT} octets.")
    return Address(_parse_local(local), normal_domain(domain))


# The same few addresses come with message after message.
_remembered = lru_cache(maxsize=4096)(_parse)


def _parse_local(local: str) -> str:
    if _DOT_STRING.match(local) and not _has_surrogates(local):
        return local
    quoted = _QUOTED.match(local)
    if quoted and not _has_surrogates(local):
        return re.sub(r"\\(.)", r"\1", quoted.group(1))
    raise InvalidName("The part before the @ holds a character that must be quoted or may not stand there.")


def normal_domain(domain: str) -> str:
    """A domain in lower-case A-labels, or an address literal. Raises InvalidName if it is neither."""
    if _ADDRESS_LITERAL.match(domain):
        return domain.lower()
    ascii_domain = (domain if domain.isascii() else _in_a_labels(domain)).rstrip(".").lower()
    if len(ascii_domain) > DOMAIN_LIMIT or not all(_LABEL.match(label) for label in ascii_domain.split(".")):
        raise InvalidName("The domain is not one that DNS can carry.")
    return ascii_domain


def _in_a_labels(domain: str) -> str:
    """As RFC 5891 has it, which RFC 6531 section 3.2 asks for: the standard library's codec is of RFC 3490,
    for which two domains of now, with "ß" and with "ss", are one."""
    import idna  # noqa: PLC0415  its tables are large, and few domains need them

    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except UnicodeError:  # idna's errors are of this kind
        raise InvalidName("The domain is not one that DNS can carry.") from None


def _has_surrogates(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text)
