"""A compact JWS taken apart (RFC 7515 section 3.1), before anybody trusts a word of it.

Refused before a key is looked for: what is encrypted or nested, critical and unencoded extensions, a second
member of one name, types that are other things than access tokens. Keys that a token brings along (jwk, jku,
x5c, x5u) are never looked at. Pure: no key, no clock, no network.
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mailkeep.auth.reasons import Reason, Refused

TOKEN_LIMIT = 16 * 1024  # characters; what SASL and the API let pass
KEY_ID_LIMIT = 256
_SEGMENT = re.compile(r"[A-Za-z0-9_-]*\Z")  # RFC 7515 section 2: base64url without padding
# RFC 9068 section 4, and what issuers wrote before it. RFC 8725 section 3.11: other types are other things.
_TYPES = frozenset({"at+jwt", "application/at+jwt", "jwt"})
# RFC 7797 b64, RFC 7519 section 5.2 cty for nested tokens, RFC 7516 zip and enc for encrypted ones.
_REFUSED_HEADERS = frozenset({"crit", "b64", "cty", "zip", "enc"})


@dataclass(frozen=True, slots=True)
class Jws:
    """Parts of a token whose signature nobody has checked yet."""

    algorithm: str
    key_id: str | None
    claims: Mapping[str, Any] = field(repr=False)
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def take_apart(token: str) -> Jws | None:
    """The parts, or None for a token that is no JWT: an opaque one may have any form.

    Raises Refused for a JWT that cannot be taken.
    """
    if len(token) > TOKEN_LIMIT:
        raise Refused(Reason.TOKEN_MALFORMED)
    segments = token.split(".")
    header = _object(segments[0]) if len(segments) in {3, 5} else None
    if header is None or "alg" not in header:
        return None
    if len(segments) == 5:  # RFC 7516 section 3.1: encrypted
        raise Refused(Reason.TOKEN_MALFORMED)
    claims, signature = _object(segments[1]), _octets(segments[2])
    if claims is None or signature is None:
        raise Refused(Reason.TOKEN_MALFORMED)
    algorithm, key_id = _checked(header)
    return Jws(algorithm, key_id, claims, f"{segments[0]}.{segments[1]}".encode("ascii"), signature)


def _checked(header: Mapping[str, Any]) -> tuple[str, str | None]:
    algorithm, key_id, kind = header["alg"], header.get("kid"), header.get("typ", "JWT")
    if not _REFUSED_HEADERS.isdisjoint(header):
        raise Refused(Reason.TOKEN_MALFORMED)
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise Refused(Reason.TOKEN_MALFORMED)
    if not isinstance(algorithm, str):
        raise Refused(Reason.TOKEN_ALGORITHM)
    if key_id is not None and not (isinstance(key_id, str) and len(key_id) <= KEY_ID_LIMIT):
        raise Refused(Reason.TOKEN_MALFORMED)
    return algorithm, key_id


def _object(segment: str) -> dict[str, Any] | None:
    octets = _octets(segment)
    if octets is None:
        return None
    try:
        found = json.loads(octets.decode(), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _octets(segment: str) -> bytes | None:
    if not _SEGMENT.match(segment):
        return None
    try:
        return urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except binascii.Error:
        return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """RFC 7515 section 4: names are unique. Two readers of one token must not read two things."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_constant(_: str) -> None:
    raise ValueError("JSON has no NaN and no Infinity")
