"""What a push subscription may be: an endpoint that this server can be made to call without harm, and keys
that something can be encrypted for.

Whoever subscribes chooses the URL, so it is a way to make us send requests (SSRF). It is https on its own
port, and its host is looked up by us: we connect to an address that we have seen to be public, whatever the
name says a moment later.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import ipaddress
import socket
from urllib.parse import urlsplit

from mailkeep.errors import InvalidName

ENDPOINT_LIMIT = 1000  # characters
KEY_LIMIT = 200
LOOKUP_SECONDS = 5.0
_POINT_OCTETS, _SECRET_OCTETS = 65, 16  # RFC 8291 section 3: an uncompressed P-256 point, and a secret


class EndpointRefused(Exception):
    """This endpoint is not called."""


def check_endpoint(endpoint: str, *, private: bool) -> None:
    """What the URL alone shows. Raises InvalidName."""
    try:
        parts = urlsplit(endpoint)
        port = parts.port or 443
    except ValueError:
        raise InvalidName("The endpoint is not a URL.") from None
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.password or parts.fragment:
        raise InvalidName("The endpoint is an https URL.")
    if not endpoint.isascii() or not endpoint.isprintable() or " " in endpoint:
        raise InvalidName("The endpoint is an https URL.")
    if private:
        return
    if port != 443:
        raise InvalidName("The endpoint's port is 443.")
    if _is_address(parts.hostname) and not _is_public(parts.hostname):
        raise InvalidName("The endpoint is on a public address.")


def check_keys(p256dh: str, auth: str) -> None:
    """Raises InvalidName for keys that nothing can be encrypted for."""
    from cryptography.hazmat.primitives.asymmetric.ec import (  # noqa: PLC0415  needed by few
        SECP256R1,
        EllipticCurvePublicKey,
    )

    point, secret = _decoded(p256dh), _decoded(auth)
    if len(point) != _POINT_OCTETS or len(secret) != _SECRET_OCTETS:
        raise InvalidName("The keys are not those of a push subscription.")
    try:
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
    except ValueError:
        raise InvalidName("The keys are not those of a push subscription.") from None


async def address_of(host: str, port: int, *, private: bool) -> str:
    """An address to connect to. Raises EndpointRefused if the name has none that is public."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(LOOKUP_SECONDS):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        raise EndpointRefused("The push service has no address.") from None
    addresses = [str(entry[4][0]) for entry in found]
    usable = [address for address in addresses if private or _is_public(address)]
    if not usable or len(usable) < len(addresses):  # a name that mixes both is up to something
        raise EndpointRefused("The push service is not on a public address.")
    return usable[0]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    embedded = address.ipv4_mapped or address.sixtofour if address.version == 6 else None
    checked = embedded or address
    return checked.is_global and not checked.is_multicast and not checked.is_reserved


def _decoded(text: str) -> bytes:
    try:
        octets = text.rstrip("=").encode("ascii")
        return base64.b64decode(octets + b"=" * (-len(octets) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise InvalidName("The keys are in base64url.") from None
