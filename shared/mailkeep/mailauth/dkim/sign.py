"""Signing (RFC 6376 section 5): relaxed/relaxed, which survives what honest relays do to a message."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mailkeep.mailauth.canonical import BodyForm, HashedBody, header_field
from mailkeep.mailauth.dkim.signature import Fields, own_octets, select

BODY_FORM = BodyForm(relaxed=True)

# Section 5.4.1: what readers see and programs act on. Trace fields are left out: relays add to them.
SIGNED = (
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "list-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "autocrypt",
)
# Named once more than they are there, so that nobody can add another above (section 8.15).
CLOSED = frozenset({"from", "to", "cc", "subject", "date", "message-id", "reply-to", "content-type"})

_VALUE_WIDTH = 72


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A domain's private key under its selector."""

    domain: str
    selector: str
    key: RSAPrivateKey | Ed25519PrivateKey = field(repr=False)

    @classmethod
    def of(cls, domain: str, selector: str, key: object) -> SigningKey:
        """Of a key that was loaded. Raises TypeError for one of another kind."""
        if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
            raise TypeError("DKIM signs with RSA or Ed25519")
        return cls(domain, selector, key)

    @property
    def algorithm(self) -> str:
        """The value of a=."""
        return "rsa-sha256" if isinstance(self.key, RSAPrivateKey) else "ed25519-sha256"

    def public_octets(self) -> bytes:
        """What p= in DNS holds (RFC 6376 section 3.6.1, RFC 8463 section 4.2)."""
        public = self.key.public_key()
        if isinstance(public, Ed25519PublicKey):
            return public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def sign(fields: Fields, body: HashedBody, key: SigningKey, now: int) -> bytes:
    """The DKIM-Signature field of a message, with its line end. `body` was hashed in BODY_FORM.

    RSA takes a third of a millisecond.
    """
    names = signed_names(fields)
    unsigned = _field(key, names, body, now)
    octets = b"".join(header_field(raw, relaxed=True) for raw in select(fields, names))
    return unsigned + wrapped(signed_value(key, octets + own_octets(unsigned, relaxed=True))) + b"\r\n"


def signed_names(fields: Fields) -> tuple[str, ...]:
    """What h= names for these fields: each as often as it is there, and the CLOSED ones once more."""
    there = Counter(name.lower().decode("ascii") for name, _ in fields)
    names = [name for name in SIGNED for _ in range(there[name])]
    return (*names, *(name for name in SIGNED if name in CLOSED and (there[name] or name == "from")))


def folded_names(names: tuple[str, ...]) -> list[str]:
    """h= in lines."""
    listed, line = [], "h="
    for name in names:
        if len(line) + len(name) > _VALUE_WIDTH:
            listed.append(line)
            line = ""
        line += f"{name}:"
    listed.append(line.removesuffix(":") + ";")
    return listed


def _field(key: SigningKey, names: tuple[str, ...], body: HashedBody, now: int) -> bytes:
    lines = (
        f"DKIM-Signature: v=1; a={key.algorithm}; c=relaxed/relaxed; d={key.domain};",
        f"s={key.selector}; t={now};",
        *folded_names(names),
        f"bh={base64.b64encode(body.digest).decode('ascii')};",
        "b=",
    )
    return "\r\n\t".join(lines).encode("ascii")


def signed_value(key: SigningKey, octets: bytes) -> bytes:
    """The value of b= before it is encoded."""
    if isinstance(key.key, RSAPrivateKey):
        return key.key.sign(octets, PKCS1v15(), SHA256())
    return key.key.sign(hashlib.sha256(octets).digest())  # RFC 8463 section 3


def wrapped(value: bytes) -> bytes:
    """A value in base64, folded."""
    text = base64.b64encode(value)
    return b"\r\n\t ".join(text[at : at + _VALUE_WIDTH] for at in range(0, len(text), _VALUE_WIDTH))
