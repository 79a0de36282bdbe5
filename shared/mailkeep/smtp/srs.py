"""The Sender Rewriting Scheme: a reverse-path of ours that leads back to the sender of forwarded mail.

A forwarder that kept the sender's own address would fail that domain's SPF. So the address goes into the
local part of one of ours, with the day and a keyed digest: SRS0 for a first forwarder, SRS1 for those behind
it, who name the first one and keep what that wrote. What comes back is believed only with a digest of ours,
and SRS0 for DAYS days, so that nobody can make us send mail where they like.

The form is that of libsrs2 and its kin; the digest is nobody's business but ours.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field

from mailkeep.errors import InvalidName
from mailkeep.model.address import Address

DAYS = 21  # for which reports may come back; mail waits five days in most queues
DAY_SECONDS = 86400
DIGEST_CHARACTERS = 8  # 40 bits: each guess costs a connection a command
_EPOCH = 1024  # days after which the two characters of a day begin anew
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

_SRS = re.compile(r"SRS[01][=+-]", re.IGNORECASE)
_SRS0 = re.compile(r"SRS0[=+-]([^=]+)=([A-Z2-7]{2})=([^=]+)=(.+)\Z", re.IGNORECASE | re.DOTALL)
_SRS1 = re.compile(r"SRS1[=+-]([^=]+)=([^=]+)=(.+)\Z", re.IGNORECASE | re.DOTALL)


class SrsInvalid(InvalidName):
    """The address was not written by us, or too long ago."""


def is_srs(address: Address) -> bool:
    """Whether an address has the form, whoever wrote it."""
    return _SRS.match(address.local) is not None


@dataclass(frozen=True, slots=True)
class Srs:
    """Rewrites with one secret. Times are seconds since 1970."""

    secret: bytes = field(repr=False)

    def forward(self, sender: Address, domain: str, now: float) -> Address:
        """The reverse-path under `domain`. Raises InvalidName if that would be longer than addresses may
        be."""
        local = sender.local
        if found := _SRS1.match(local):  # the second and all further forwarders name the first alone
            return self._made_one(found[2], found[3], domain)
        if _SRS.match(local):
            return self._made_one(sender.domain, local[4:], domain)
        day = _day(now)
        digest = self._digest(day, sender.domain, local)
        return _address(f"SRS0={digest}={day}={sender.domain}={local}", domain)

    def reverse(self, address: Address, now: float) -> Address:
        """To whom a report goes. Raises SrsInvalid."""
        try:
            if found := _SRS1.match(address.local):
                digest, host, rest = found.groups()
                self._check(digest, host, rest)
                return _address(f"SRS0{rest}", host)
            if found := _SRS0.match(address.local):
                digest, day, host, local = found.groups()
                self._check(digest, day, host, local)
                if (_number(_day(now)) - _number(day)) % _EPOCH > DAYS:
                    raise SrsInvalid("The address has expired.")
                return _address(local, host)
        except SrsInvalid:
            raise
        except InvalidName:
            pass
        raise SrsInvalid("The address is not one of ours.")

    def _made_one(self, host: str, rest: str, domain: str) -> Address:
        return _address(f"SRS1={self._digest(host, rest)}={host}={rest}", domain)

    def _check(self, digest: str, *words: str) -> None:
        expected = self._digest(*words).casefold().encode()
        if not hmac.compare_digest(digest.casefold().encode(), expected):
            raise SrsInvalid("The address is not one of ours.")

    def _digest(self, *words: str) -> str:
        """Of the words in lower case: servers on the way may change the case of a local part."""
        text = "\0".join(word.casefold() for word in words)
        octets = hmac.digest(self.secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return base64.b32encode(octets).decode("ascii")[:DIGEST_CHARACTERS]


def _address(local: str, domain: str) -> Address:
    return Address.parse(str(Address(local, domain)))


def _day(now: float) -> str:
    number = int(now // DAY_SECONDS) % _EPOCH
    return _BASE32[number >> 5] + _BASE32[number & 31]


def _number(day: str) -> int:
    high, low = (_BASE32.index(character) for character in day.upper())
    return (high << 5) | low
