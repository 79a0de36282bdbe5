"""Sealing a message with ARC (RFC 8617 section 5.1), as those do who pass it on.

The set says what we found and signs what we send; those before it are covered by the seal. A chain that was
broken is sealed as such once, by the set that says so, and then never again.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from mailkeep.mailauth import tags
from mailkeep.mailauth.arc import MESSAGE, RESULTS, SEAL, SETS_LIMIT, ArcResult, instance_of
from mailkeep.mailauth.canonical import HashedBody, header_field
from mailkeep.mailauth.dkim.sign import SigningKey, folded_names, signed_names, signed_value, wrapped
from mailkeep.mailauth.dkim.signature import own_octets, select
from mailkeep.mailauth.message import CheckedMessage
from mailkeep.mailauth.tags import TagSyntax
from mailkeep.mailauth.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Seen:
    """What we found: the chain that came, and our results as they stand in Authentication-Results."""

    chain: ArcResult
    results: bytes


def seal(message: CheckedMessage, body: HashedBody, key: SigningKey, now: int, seen: Seen) -> bytes:
    """The set's three fields, to stand above the message as it is sent; b"" if there may be no further set,
    or nobody knows what it would have to say. `body` was hashed in dkim.sign.BODY_FORM."""
    earlier = _earlier(message)
    if earlier is None or (earlier and seen.chain.is_unknown):
        return b""
    instance = len(earlier) + 1
    cv = "none" if not earlier else "pass" if seen.chain.verdict is Verdict.PASS else "fail"
    results = b"ARC-Authentication-Results: i=%d; %b\r\n" % (instance, seen.results.strip())
    signature = _message_signature(message, body, key, now, instance)
    # Section 5.1.1: all sets in their order; of a broken chain the new one alone (section 5.1.2).
    covered = [raw for fields in earlier for raw in fields] if cv != "fail" else []
    unsigned = "\r\n\t".join(
        (
            f"ARC-Seal: i={instance}; a={key.algorithm}; cv={cv}; d={key.domain};",
            f"s={key.selector}; t={now};",
            "b=",
        )
    ).encode("ascii")
    octets = [header_field(raw, relaxed=True) for raw in (*covered, results, signature)]
    value = signed_value(key, b"".join(octets) + own_octets(unsigned, relaxed=True))
    return unsigned + wrapped(value) + b"\r\n" + signature + results


def _message_signature(
    message: CheckedMessage, body: HashedBody, key: SigningKey, now: int, instance: int
) -> bytes:
    """Section 4.1.2: as DKIM signs, signatures included, and no field of ARC."""
    names = (*signed_names(message.fields), *["dkim-signature"] * len(message.named(b"dkim-signature")))
    lines = (
        f"ARC-Message-Signature: i={instance}; a={key.algorithm}; c=relaxed/relaxed;",
        f"d={key.domain}; s={key.selector}; t={now};",
        *folded_names(names),
        f"bh={base64.b64encode(body.digest).decode('ascii')};",
        "b=",
    )
    unsigned = "\r\n\t".join(lines).encode("ascii")
    octets = b"".join(header_field(raw, relaxed=True) for raw in select(message.fields, names))
    return unsigned + wrapped(signed_value(key, octets + own_octets(unsigned, relaxed=True))) + b"\r\n"


def _earlier(message: CheckedMessage) -> Sequence[tuple[bytes, bytes, bytes]] | None:
    """The sets that are there, in order; None if none may follow: the last one found the chain broken, or
    they are so broken that no instance can be given to another."""
    found = {name: message.named(name) for name in (RESULTS, MESSAGE, SEAL)}
    count = len(found[SEAL])
    if count >= SETS_LIMIT or any(len(raw) != count for raw in found.values()):
        return None
    try:
        ordered = {name: {instance_of(raw): raw for raw in fields} for name, fields in found.items()}
        broken = count > 0 and _status(ordered[SEAL].get(count, b"")) == "fail"
    except TagSyntax:
        return None
    wanted = range(1, count + 1)
    if broken or any(set(fields) != set(wanted) for fields in ordered.values()):
        return None
    return [(ordered[RESULTS][at], ordered[MESSAGE][at], ordered[SEAL][at]) for at in wanted]


def _status(raw: bytes) -> str:
    return tags.parse(raw.partition(b":")[2]).get("cv", "").lower()
