"""Verifying (RFC 6376 section 6): every signature for itself, since one that fails says nothing."""

from __future__ import annotations

from dataclasses import dataclass

from mailkeep.mailauth.canonical import HashedBody
from mailkeep.mailauth.dkim import key, signature
from mailkeep.mailauth.dkim.key import PublicKey
from mailkeep.mailauth.dkim.signature import Signature
from mailkeep.mailauth.message import CheckedMessage
from mailkeep.mailauth.tags import TagSyntax
from mailkeep.mailauth.verdict import Verdict
from mailkeep.model.dns import DnsUnavailable, Lookups, NoRecords

SIGNATURES_LIMIT = 8  # of one message; each costs a look-up (RFC 6376 section 8.4)
ALGORITHMS = ("rsa-sha256", "ed25519-sha256")  # RFC 8301 section 3.1 forbids rsa-sha1
CLOCK_SKEW = 300  # seconds

_LENGTH_SHORT = "l= leaves a part of the body unsigned"


@dataclass(frozen=True, slots=True)
class DkimResult:
    """What one signature is worth. `domain` is "" if the field cannot be read that far."""

    verdict: Verdict
    domain: str = ""
    selector: str = ""
    algorithm: str = ""
    short_value: str = ""
    reason: str = ""


async def verify(message: CheckedMessage, lookups: Lookups, now: int) -> tuple[DkimResult, ...]:
    """Results of the first SIGNATURES_LIMIT signatures from the top. `now` is seconds since 1970."""
    raw_fields = message.named(b"dkim-signature")[:SIGNATURES_LIMIT]
    parsed: list[Signature | DkimResult] = [_parse(raw, now) for raw in raw_fields]
    forms = {item.body for item in parsed if isinstance(item, Signature)}
    hashed = await message.hash_bodies(forms) if forms else {}
    return tuple(
        [
            item
            if isinstance(item, DkimResult)
            else await check(item, item.signed_octets(message.fields), hashed[item.body], lookups)
            for item in parsed
        ]
    )


def _parse(raw: bytes, now: int) -> Signature | DkimResult:
    try:
        found = signature.parse(raw)
    except TagSyntax as error:
        return DkimResult(Verdict.NEUTRAL, reason=_said(error))  # RFC 8601 section 2.7.1
    if found.algorithm not in ALGORITHMS:
        return outcome(found, Verdict.PERMERROR, "the algorithm is not supported")
    if found.expiration is not None and found.expiration + CLOCK_SKEW < now:
        return outcome(found, Verdict.FAIL, "the signature has expired")
    return found


async def check(found: Signature, octets: bytes, hashed: HashedBody, lookups: Lookups) -> DkimResult:
    """One signature whose fields and body are known. DNS is asked only if the body is right."""
    if hashed.digest != found.body_hash:
        return outcome(found, Verdict.FAIL, "the body has been altered")
    if found.body.length is not None and found.body.length > hashed.length:
        return outcome(found, Verdict.PERMERROR, "l= is longer than the body")
    try:
        public = await public_key(found.key_name, found.algorithm, lookups)
    except DnsUnavailable:
        return outcome(found, Verdict.TEMPERROR, "DNS did not answer")
    except NoRecords:
        return outcome(found, Verdict.PERMERROR, "there is no such key")
    except TagSyntax as error:
        return outcome(found, Verdict.PERMERROR, _said(error))
    if public.strict and found.identity != found.domain:
        return outcome(found, Verdict.PERMERROR, "the key is for the domain itself alone")
    if not public.verifies(found, octets):
        return outcome(found, Verdict.FAIL, "the signature is not of this message")
    if found.body.length is not None and found.body.length < hashed.length:
        return outcome(found, Verdict.POLICY, _LENGTH_SHORT)  # section 8.2
    return outcome(found, Verdict.PASS)


async def public_key(name: str, algorithm: str, lookups: Lookups) -> PublicKey:
    """The first key at a name that can be used. Raises NoRecords, DnsUnavailable, TagSyntax."""
    failure = TagSyntax("There is no key.")
    for record in (await lookups.txt(name)).records:
        try:
            return key.parse(record, algorithm)
        except TagSyntax as error:
            failure = error
    raise failure


def outcome(found: Signature, verdict: Verdict, reason: str = "") -> DkimResult:
    """A result about this signature."""
    return DkimResult(verdict, found.domain, found.selector, found.algorithm, found.short_value, reason)


def _said(error: TagSyntax) -> str:
    sentence = str(error).rstrip(".")
    return sentence[:1].lower() + sentence[1:]
