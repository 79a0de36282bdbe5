"""Keys for tests, and the records that publish them."""

from __future__ import annotations

import base64
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from mailkeep.mailauth.dkim import SigningKey

DOMAIN = "signer.test"


@cache
def rsa_key(bits: int = 2048) -> RSAPrivateKey:
    return generate_private_key(65537, bits)


@cache
def ed25519_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def rsa_signer(domain: str = DOMAIN) -> SigningKey:
    return SigningKey(domain, "rsa", rsa_key())


def ed25519_signer(domain: str = DOMAIN) -> SigningKey:
    return SigningKey(domain, "ed", ed25519_key())


def pem(key: RSAPrivateKey) -> bytes:
    """As dkimpy wants it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def rsa_record(key: RSAPublicKey | None = None) -> str:
    octets = (key or rsa_key().public_key()).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; p={base64.b64encode(octets).decode()}"


def ed25519_record() -> str:
    octets = ed25519_key().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"v=DKIM1; k=ed25519; p={base64.b64encode(octets).decode()}"


def published(domain: str = DOMAIN) -> dict[str, list[str]]:
    """Both keys in DNS."""
    return {
        f"rsa._domainkey.{domain}": [rsa_record()],
        f"ed._domainkey.{domain}": [ed25519_record()],
    }
