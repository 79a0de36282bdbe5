"""Public keys as DNS holds them (RFC 6376 section 3.6.1, RFC 8463), and the check of one signature by one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from mailkeep.mailauth import tags
from mailkeep.mailauth.dkim.signature import Signature, decoded
from mailkeep.mailauth.tags import TagSyntax

MINIMUM_BITS = 1024  # RFC 8301 section 3.2
MAXIMUM_BITS = 8192  # verifying takes time with the size, and the signer chooses it
KEYS_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class PublicKey:
    """`strict` is t=s: i= has to be d= itself."""

    key: RSAPublicKey | Ed25519PublicKey
    strict: bool = False

    def verifies(self, signature: Signature, octets: bytes) -> bool:
        """True if the value is right. The algorithm has to be the key's."""
        return is_signed(self.key, signature.value, octets)


def is_signed(key: RSAPublicKey | Ed25519PublicKey, value: bytes, octets: bytes) -> bool:
    """True if `value` signs the octets."""
    try:
        if isinstance(key, RSAPublicKey):
            key.verify(value, octets, PKCS1v15(), SHA256())
        else:
            key.verify(value, hashlib.sha256(octets).digest())  # RFC 8463 section 3
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=KEYS_REMEMBERED)
def parse(record: bytes, algorithm: str) -> PublicKey:
    """The key in a TXT record, for use with an algorithm such as rsa-sha256. Raises TagSyntax."""
    found = tags.parse(record)
    if found.get("v", "DKIM1") != "DKIM1":
        raise TagSyntax("The key's version is not DKIM1.")
    kind, _, hashed = algorithm.partition("-")
    if found.get("k", "rsa").lower() != kind or hashed not in tags.items(found.get("h", hashed)):
        raise TagSyntax("The key is not for that algorithm.")
    if not {"*", "email"} & set(tags.items(found.get("s", "*"))):
        raise TagSyntax("The key is not for mail.")
    if not found.get("p"):
        raise TagSyntax("The key was revoked.")
    return PublicKey(_load(kind, decoded(found["p"])), "s" in tags.items(found.get("t", "")))


def _load(kind: str, octets: bytes) -> RSAPublicKey | Ed25519PublicKey:
    try:
        if kind == "ed25519":
            return Ed25519PublicKey.from_public_bytes(octets)
        key = load_der_public_key(octets)
    except (ValueError, UnsupportedAlgorithm):
        raise TagSyntax("The key cannot be read.") from None
    if not isinstance(key, RSAPublicKey):
        raise TagSyntax("The key is not RSA.")
    if not MINIMUM_BITS <= key.key_size <= MAXIMUM_BITS:
        raise TagSyntax(f"The key has {key.key_size} bits.")
    return key
