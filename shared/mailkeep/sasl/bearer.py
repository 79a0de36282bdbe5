"""Grammar that XOAUTH2 and OAUTHBEARER share: pairs closed by ^A, and a token in an HTTP-like value.

RFC 7628 section 3.1 wrote down what Google's XOAUTH2 had before it: key "=" value %x01, as often as
wanted, then one more %x01. Unknown keys are ignored, as the RFC demands.
"""

from __future__ import annotations

import re

from mailkeep.sasl.mechanism import SaslSyntax, secret_text

SEPARATOR = b"\x01"
PAIRS_LIMIT = 16
"""Pairs in one response; the RFC names five."""

_KEY = re.compile(rb"[A-Za-z]+\Z")
_VALUE = re.compile(rb"[\t\n\r\x20-\x7e\x80-\xff]*\Z")  # RFC 7628 section 3.1, and UTF-8 for XOAUTH2's user
_TOKEN = re.compile(rb"[\x21-\x7e]*\Z")  # RFC 6750 section 2.1 has b64token; issuers have wider ideas


def parse_pairs(octets: bytes) -> dict[bytes, bytes]:
    """`octets` are *kvpair %x01; keys come out in lower case. Raises SaslSyntax, also for a key twice."""
    if not octets.endswith(SEPARATOR):
        raise SaslSyntax("The response does not end with the octet 1.")
    body = octets[:-1]
    if body and not body.endswith(SEPARATOR):
        raise SaslSyntax("The last pair is not closed by the octet 1.")
    lines = body.split(SEPARATOR)[:-1]
    if len(lines) > PAIRS_LIMIT:
        raise SaslSyntax(f"The response has more than {PAIRS_LIMIT} pairs.")
    pairs: dict[bytes, bytes] = {}
    for line in lines:
        key, equals, value = line.partition(b"=")
        if not equals or not _KEY.match(key) or not _VALUE.match(value):
            raise SaslSyntax("A pair has the form key=value.")
        if key.lower() in pairs:
            raise SaslSyntax("A key stands twice in the response.")
        pairs[key.lower()] = value
    return pairs


def bearer_token(value: bytes) -> str:
    """The token of `Bearer <token>`, the scheme in any case (RFC 9110 section 11.1).

    An empty value gives "": a client asks by it what the server wants (RFC 7628 section 4.3).
    Raises SaslSyntax, SaslTooLong.
    """
    if not value.strip():
        return ""
    scheme, space, token = value.partition(b" ")
    token = token.strip()
    if scheme.lower() != b"bearer" or not space or not _TOKEN.match(token):
        raise SaslSyntax("The auth pair has the form Bearer <token>.")
    return secret_text(token)
