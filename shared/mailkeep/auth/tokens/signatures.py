"""Keys and signatures: the only module that knows the JOSE library, which is loaded for the first token: with
what it stands on it takes a tenth of a second and nine megabytes, and most processes are never shown one.

A key works with the algorithms of its own kind and with no other, whatever a token's header says: a public
key is never taken for the secret of an HMAC (RFC 8725 section 3.1).
"""

from __future__ import annotations

import asyncio
import importlib
import threading
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mailkeep.auth.tokens.jws import Jws
from mailkeep.observe.logs import get_logger

if TYPE_CHECKING:
    from joserfc.jwk import Key

KEYS_LIMIT = 64
"""Keys of one issuer; the largest in use have about ten."""

RSA_BITS = range(2048, 8193)  # RFC 7518 section 3.3 has the lower bound; the upper one bounds our time
_RSA = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_CURVES = {
    "P-256": frozenset({"ES256"}),
    "P-384": frozenset({"ES384"}),
    "P-521": frozenset({"ES512"}),
    "Ed25519": frozenset({"EdDSA", "Ed25519"}),  # RFC 8037, and RFC 9864 which names the curve
}
ALGORITHMS = _RSA.union(*_CURVES.values())
_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_PRIVATE = frozenset({"d", "p", "q", "k"})

log = get_logger(__name__)

_is_loaded = threading.Event()


async def loaded() -> None:
    """Have the library, which is loaded in a thread the first time. An event loop waits for this before it
    calls anything else here."""
    if not _is_loaded.is_set():
        await asyncio.to_thread(importlib.import_module, "joserfc.jws")
        _is_loaded.set()


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """One public key, with all the algorithms that it may be used with."""

    key_id: str | None
    algorithms: frozenset[str]
    key: Key = field(repr=False)

    def verifies(self, token: Jws) -> bool:
        """True if the token was signed by this key's owner."""
        if token.algorithm not in self.algorithms:
            return False
        return _verify(token, self.key)


def read_key_set(document: Mapping[str, Any]) -> tuple[VerificationKey, ...]:
    """The usable keys of a JWK Set (RFC 7517 section 5); others are passed over, as the RFC asks."""
    entries = document.get("keys")
    if not isinstance(entries, list):
        return ()
    found = (_read_key(entry) for entry in entries[:KEYS_LIMIT] if isinstance(entry, dict))
    return tuple(key for key in found if key is not None)


def matching(keys: Iterable[VerificationKey], token: Jws) -> list[VerificationKey]:
    """The keys that may have signed it: by key id, or all that fit if the token names none."""
    return [
        key
        for key in keys
        if token.algorithm in key.algorithms and (token.key_id is None or key.key_id == token.key_id)
    ]


def secret_verifies(token: Jws, secret: bytes) -> bool:
    """HS256 with our own key: for development tokens alone."""
    from joserfc.jwk import OctKey  # noqa: PLC0415

    return token.algorithm == "HS256" and _verify(token, OctKey.import_key(secret))


def sign_with_secret(signing_input: bytes, secret: bytes) -> bytes:
    """HS256."""
    from joserfc.jwk import OctKey  # noqa: PLC0415
    from joserfc.jws import JWSRegistry  # noqa: PLC0415

    return JWSRegistry.algorithms["HS256"].sign(signing_input, OctKey.import_key(secret))


def _verify(token: Jws, key: Key) -> bool:
    from joserfc.errors import JoseError  # noqa: PLC0415
    from joserfc.jws import JWSRegistry  # noqa: PLC0415

    try:
        return JWSRegistry.algorithms[token.algorithm].verify(token.signing_input, token.signature, key)
    except (JoseError, ValueError):
        return False


def _read_key(entry: Mapping[str, Any]) -> VerificationKey | None:
    from joserfc.errors import JoseError  # noqa: PLC0415
    from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey  # noqa: PLC0415

    kind, key_id = entry.get("kty"), entry.get("kid")
    algorithms = _algorithms_of(entry)
    if not algorithms or not (key_id is None or isinstance(key_id, str)):
        return None
    if not _PRIVATE.isdisjoint(entry):
        log.error("an issuer publishes a private key; it is not used", key_prefix=key_id)
        return None
    members: dict[str, Any] = {name: entry.get(name) for name in ("kty", *_MEMBERS[str(kind)])}
    try:
        if kind == "RSA" and _bits(members["n"]) not in RSA_BITS:
            return None
        key = JWKRegistry.import_key(members)
        assert isinstance(key, RSAKey | ECKey | OKPKey)
        key.public_key  # noqa: B018  made at first use: a point off the curve is found here
    except (JoseError, ValueError, TypeError, AttributeError):  # members of wrong types among them
        return None
    return VerificationKey(key_id, algorithms, key)


def _bits(modulus: str) -> int:
    return int.from_bytes(urlsafe_b64decode(modulus + "=" * (-len(modulus) % 4))).bit_length()


def _algorithms_of(entry: Mapping[str, Any]) -> frozenset[str]:
    """Empty for a key that signs nothing for us."""
    kind, operations = entry.get("kty"), entry.get("key_ops")
    if entry.get("use", "sig") != "sig" or (isinstance(operations, list) and "verify" not in operations):
        return frozenset()
    if kind == "RSA":
        algorithms = _RSA
    elif kind in {"EC", "OKP"} and isinstance(entry.get("crv"), str):
        algorithms = _CURVES.get(entry["crv"], frozenset())
    else:
        return frozenset()
    return algorithms & {entry["alg"]} if isinstance(entry.get("alg"), str) else algorithms
