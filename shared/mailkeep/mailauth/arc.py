"""ARC (RFC 8617): what earlier receivers saw, sealed by each of them.

A chain that passes proves who said what, and nothing of their honesty: results count only of sealers that an
operator trusts by name. `seal` adds to a chain.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mailkeep.mailauth import tags
from mailkeep.mailauth.canonical import header_field
from mailkeep.mailauth.dkim import signature as dkim_signature
from mailkeep.mailauth.dkim.key import is_signed
from mailkeep.mailauth.dkim.signature import decoded, normal, own_octets
from mailkeep.mailauth.dkim.verify import ALGORITHMS, check, public_key
from mailkeep.mailauth.message import CheckedMessage
from mailkeep.mailauth.tags import TagSyntax
from mailkeep.mailauth.verdict import Verdict
from mailkeep.model.dns import DnsUnavailable, Lookups, NoRecords

SETS_LIMIT = 50  # RFC 8617 section 4.2.1

RESULTS, MESSAGE, SEAL = b"arc-authentication-results", b"arc-message-signature", b"arc-seal"
_INSTANCE = re.compile(rb"[ \t\r\n]*i[ \t\r\n]*=[ \t\r\n]*([1-9][0-9]?)[ \t\r\n]*;")
_DMARC_PASS = re.compile(rb";[ \t\r\n]*dmarc[ \t\r\n]*=[ \t\r\n]*pass\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ArcResult:
    """`sealer` is the last one's domain. `saw_dmarc_pass` is what that one reported, if the chain passes."""

    verdict: Verdict
    sealer: str = ""
    saw_dmarc_pass: bool = False
    reason: str = ""
    is_unknown: bool = False  # DNS did not answer: the chain may be whole


@dataclass(frozen=True, slots=True)
class _Set:
    """The three fields of one instance."""

    results: bytes = field(repr=False)
    message: bytes = field(repr=False)
    seal: bytes = field(repr=False)
    tags: Mapping[str, str]  # of the seal


async def verify(message: CheckedMessage, lookups: Lookups) -> ArcResult:
    """The chain's validation status (section 5.2)."""
    fields = {name: message.named(name) for name in (RESULTS, MESSAGE, SEAL)}
    if not any(fields.values()):
        return ArcResult(Verdict.NONE)
    sealer = ""
    try:
        sets = _sets(fields)
        sealer = normal(sets[-1].tags.get("d", ""))
        await _check_message(sets[-1], len(sets), message, lookups)
        for instance in range(len(sets), 0, -1):
            await _check_seal(sets[:instance], lookups)
    except NoRecords:
        return ArcResult(Verdict.FAIL, sealer, reason="a key is not there")
    except DnsUnavailable:
        return ArcResult(Verdict.FAIL, sealer, reason="DNS did not answer", is_unknown=True)
    except TagSyntax as error:
        return ArcResult(Verdict.FAIL, sealer, reason=str(error).rstrip("."))
    return ArcResult(Verdict.PASS, sealer, _DMARC_PASS.search(sets[-1].results) is not None)


def _sets(fields: Mapping[bytes, Sequence[bytes]]) -> list[_Set]:
    """The sets in order, whole and with the right cv= (section 5.2 steps 1 to 3). Raises TagSyntax."""
    count = len(fields[SEAL])
    if count > SETS_LIMIT or any(len(raw) != count for raw in fields.values()):
        raise TagSyntax("The sets are not whole, or too many.")
    by_instance = {name: {instance_of(raw): raw for raw in found} for name, found in fields.items()}
    wanted = range(1, count + 1)
    if any(set(found) != set(wanted) for found in by_instance.values()):
        raise TagSyntax("The instances have gaps.")
    sets = []
    for instance in wanted:
        seal = by_instance[SEAL][instance]
        found = tags.parse(seal.partition(b":")[2])
        if found.get("cv", "").lower() != ("none" if instance == 1 else "pass"):
            raise TagSyntax("A sealer saw a chain that was broken.")
        sets.append(_Set(by_instance[RESULTS][instance], by_instance[MESSAGE][instance], seal, found))
    return sets


def instance_of(raw: bytes) -> int:
    """Which set a field belongs to. Raises TagSyntax."""
    value = raw.partition(b":")[2]
    found = _INSTANCE.match(value)
    if found is not None:
        return int(found.group(1))
    text = tags.parse(value).get("i", "")  # in signatures it may stand anywhere
    if not re.fullmatch(r"[1-9][0-9]?", text):
        raise TagSyntax("A field has no instance.")
    return int(text)


async def _check_message(last: _Set, instance: int, message: CheckedMessage, lookups: Lookups) -> None:
    """The last ARC-Message-Signature (step 4). Raises TagSyntax, NoRecords, DnsUnavailable."""
    found = dkim_signature.from_tags(last.message, tags.parse(last.message.partition(b":")[2]), "")
    if found.algorithm not in ALGORITHMS or {"arc-seal", "arc-message-signature"} & set(found.names):
        raise TagSyntax(f"The message signature of instance {instance} cannot be used.")
    hashed = await message.hash_bodies([found.body])
    result = await check(found, found.signed_octets(message.fields), hashed[found.body], lookups)
    if result.verdict is Verdict.TEMPERROR:
        raise DnsUnavailable("DNS did not answer.")
    if result.verdict is not Verdict.PASS:
        raise TagSyntax(result.reason)


async def _check_seal(sets: Sequence[_Set], lookups: Lookups) -> None:
    """The seal of the last of these sets, over all of them (section 5.1.1)."""
    last = sets[-1]
    algorithm = last.tags.get("a", "").lower()
    if algorithm not in ALGORITHMS or "h" in last.tags:  # section 4.1.3 forbids h=
        raise TagSyntax("A seal cannot be used.")
    fields = [raw for item in sets for raw in (item.results, item.message, item.seal)]
    octets = [header_field(raw, relaxed=True) for raw in fields[:-1]]
    octets.append(own_octets(last.seal, relaxed=True))
    selector = tags.without_space(last.tags.get("s", "")).lower()
    name = f"{selector}._domainkey.{normal(last.tags.get('d', ''))}"
    public = await public_key(name, algorithm, lookups)
    if not is_signed(public.key, decoded(last.tags.get("b", "")), b"".join(octets)):
        raise TagSyntax(f"The seal of instance {len(sets)} is not of these fields.")
