"""DANE for SMTP (RFC 7672): whether a server shows a certificate that its TLSA records name.

DANE-EE(3) names the server's own key or certificate, and nothing else of it counts: neither its name nor
its dates (section 3.1.1). DANE-TA(2) names an authority in the chain, which must have issued a certificate
for the server's name (section 3.1.2). The other usages are for the web's authorities, and unusable here.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mailkeep.model.dns import TlsAssociation

if TYPE_CHECKING:
    from cryptography import x509

TA, EE = 2, 3
_FULL, _KEY = 0, 1  # selectors, RFC 6698 section 2.1.2
_DIGESTS = {1: "sha256", 2: "sha512"}  # matching types, section 2.1.3; 0 is the thing itself


def usable(associations: Sequence[TlsAssociation]) -> tuple[TlsAssociation, ...]:
    """Those that this module can hold a server to."""
    return tuple(
        one
        for one in associations
        if one.usage in {TA, EE} and one.selector in {_FULL, _KEY} and one.matching in {0, 1, 2} and one.data
    )


def matches(connection: ssl.SSLObject, associations: Sequence[TlsAssociation], names: Sequence[str]) -> bool:
    """True if the chain that was shown satisfies one of them."""
    from cryptography import x509  # noqa: PLC0415  only a host that relays under DANE pays for it

    leaf = connection.getpeercert(binary_form=True)
    if leaf is None:
        return False
    try:
        chain = [
            x509.load_der_x509_certificate(octets) for octets in (leaf, *_rest_of_chain(connection, leaf))
        ]
    except ValueError:
        return False
    if any(_names(one, chain[0]) for one in associations if one.usage == EE):
        return True
    anchors = [
        certificate
        for certificate in chain[1:]
        if any(_names(one, certificate) for one in associations if one.usage == TA)
    ]
    return bool(anchors) and _issued(chain, anchors, names)


def _names(association: TlsAssociation, certificate: x509.Certificate) -> bool:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415

    if association.selector == _KEY:
        octets = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        octets = certificate.public_bytes(Encoding.DER)
    digest = _DIGESTS.get(association.matching)
    return association.data == (hashlib.new(digest, octets).digest() if digest else octets)


def _issued(
    chain: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate], names: Sequence[str]
) -> bool:
    """A path from one of the anchors to the server's certificate, which is for one of the names. By OpenSSL:
    a verifier for the web's public authorities refuses certificates that private ones make."""
    from OpenSSL import crypto  # noqa: PLC0415

    store = crypto.X509Store()
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    for anchor in anchors:
        store.add_cert(crypto.X509.from_cryptography(anchor))
    leaf, *rest = (crypto.X509.from_cryptography(certificate) for certificate in chain)
    try:
        crypto.X509StoreContext(store, leaf, rest).verify_certificate()
    except crypto.X509StoreContextError:
        return False
    return any(_is_for(chain[0], name) for name in names)


def _is_for(certificate: x509.Certificate, name: str) -> bool:
    """By subjectAltName alone; a wildcard stands for the first label (RFC 6125 section 6.4.3)."""
    from cryptography import x509  # noqa: PLC0415

    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return False
    given = {one.lower() for one in found.value.get_values_for_type(x509.DNSName)}
    return name in given or f"*.{name.partition('.')[2]}" in given


def _rest_of_chain(connection: ssl.SSLObject, leaf: bytes) -> list[bytes]:
    """What the server sent beside its own certificate. Public from Python 3.13 on, and before that a method
    of the object underneath; without it DANE-TA matches nothing, and mail waits."""
    shown: Any = getattr(connection, "get_unverified_chain", None)
    if shown is None:
        shown = getattr(getattr(connection, "_sslobj", None), "get_unverified_chain", None)
    found = shown() if shown is not None else ()
    octets = [one if isinstance(one, bytes) else one.public_bytes(_DER) for one in found or ()]
    return [one for one in octets if one != leaf]


_DER = 2  # _ssl.ENCODING_DER
