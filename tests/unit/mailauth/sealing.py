"""One more ARC set above a message, as a list or a forwarder adds it (RFC 8617 section 5.1)."""

from __future__ import annotations

import base64
import re

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from tests.unit.mailauth.signing import rsa_key

from mailkeep.mailauth.canonical import BodyForm, hash_bodies, header_field
from mailkeep.mime import headers

_ARC = (b"arc-authentication-results", b"arc-message-signature", b"arc-seal")
_INSTANCE = re.compile(rb"\bi=([0-9]+)")


def sealed(message: bytes, domain: str, seen: str, status: str) -> bytes:
    """The message with the next set. `status` is what cv= says of the sets before."""
    header, _, body = message.partition(b"\r\n\r\n")
    fields = list(headers.fields(header + b"\r\n"))
    earlier = sorted(
        (raw for name, raw in fields if name.lower() in _ARC),
        key=lambda raw: (_instance(raw), _ARC.index(raw.partition(b":")[0].lower())),
    )
    instance = len(earlier) // 3 + 1
    results = f"ARC-Authentication-Results: i={instance}; {domain}; {seen}\r\n".encode()
    form = BodyForm(relaxed=True)
    digest = base64.b64encode(hash_bodies(body, [form])[form].digest).decode()
    signature = _signed(
        f"ARC-Message-Signature: i={instance}; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s=rsa;\r\n"
        f"\th=from:to:subject; bh={digest};\r\n\tb=",
        [
            next(raw for name, raw in fields if name.lower() == wanted)
            for wanted in (b"from", b"to", b"subject")
        ],
    )
    seal = _signed(
        f"ARC-Seal: i={instance}; cv={status}; a=rsa-sha256; d={domain}; s=rsa;\r\n\tb=",
        [*earlier, results, signature],
    )
    return seal + signature + results + message


def _signed(unsigned: str, fields: list[bytes]) -> bytes:
    octets = b"".join(header_field(raw, relaxed=True) for raw in fields)
    octets += header_field(unsigned.encode(), relaxed=True).removesuffix(b"\r\n")
    value = base64.b64encode(rsa_key().sign(octets, PKCS1v15(), SHA256())).decode()
    return f"{unsigned}{value}\r\n".encode()


def _instance(raw: bytes) -> int:
    found = _INSTANCE.search(raw)
    assert found is not None
    return int(found.group(1))
