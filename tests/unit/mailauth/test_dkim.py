"""DKIM: RFC 8463's message, dkimpy as the second opinion, and every way in which a signature is worth
nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.mailauth.dns_answers import DnsAnswers
from tests.unit.mailauth.signing import (
    DOMAIN,
    ed25519_signer,
    pem,
    published,
    rsa_key,
    rsa_record,
    rsa_signer,
)

from mailkeep.mailauth.dkim import DkimResult, SigningKey, sign, verify
from mailkeep.mailauth.dkim.sign import BODY_FORM
from mailkeep.mailauth.dkim.verify import SIGNATURES_LIMIT
from mailkeep.mailauth.message import in_memory
from mailkeep.mailauth.verdict import Verdict

NOW = 1_700_000_000
MESSAGE = (
    b"From: Ann <ann@signer.test>\r\nTo: bob@example.test\r\nSubject:  Hello \t there\r\n"
    b"Date: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <1@signer.test>\r\n\r\nHi  Bob. \r\n\r\n\r\n"
)

RFC8463_KEYS = {
    "brisbane._domainkey.football.example.com": [
        "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    ],
    "test._domainkey.football.example.com": [
        "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdO"
        "Kb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLz"
        "BfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
    ],
}
RFC8463_MESSAGE = b"""\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
""".replace(b"\n", b"\r\n")


async def signed(message: bytes = MESSAGE, *keys: SigningKey) -> bytes:
    """The message with a signature of each key, as submission makes them."""
    checked = in_memory(message)
    body = (await checked.hash_bodies([BODY_FORM]))[BODY_FORM]
    fields = [sign(checked.fields, body, key, NOW) for key in keys or (rsa_signer(),)]
    return b"".join(fields) + message


async def results(message: bytes, dns: DnsAnswers | None = None, now: int = NOW) -> tuple[DkimResult, ...]:
    return await verify(in_memory(message), dns or DnsAnswers(published()), now)


async def only(message: bytes, dns: DnsAnswers | None = None, now: int = NOW) -> DkimResult:
    (result,) = await results(message, dns, now)
    return result


async def test_the_message_of_rfc8463_appendix_a() -> None:
    found = await results(RFC8463_MESSAGE, DnsAnswers(RFC8463_KEYS))
    assert [(item.verdict, item.algorithm) for item in found] == [
        (Verdict.PASS, "ed25519-sha256"),
        (Verdict.PASS, "rsa-sha256"),
    ]


async def test_what_we_sign_verifies_here_and_by_dkimpy() -> None:
    message = await signed(MESSAGE, rsa_signer(), ed25519_signer())
    assert [item.verdict for item in await results(message)] == [Verdict.PASS, Verdict.PASS]
    assert dkimpy.DKIM(message).verify(idx=0, dnsfunc=_dnsfunc(published()))


async def test_every_line_of_a_signature_fits() -> None:
    message = await signed(MESSAGE, rsa_signer("a" * 60 + "." + "b" * 60 + ".test"))
    assert max(len(line) for line in message.split(b"\r\n")) < 998


@pytest.mark.parametrize("header", [b"simple", b"relaxed"])
@pytest.mark.parametrize("body", [b"simple", b"relaxed"])
async def test_what_dkimpy_signs_verifies_here(header: bytes, body: bytes) -> None:
    field = dkimpy.sign(MESSAGE, b"rsa", DOMAIN.encode(), pem(rsa_key()), canonicalize=(header, body))
    assert (await only(field + MESSAGE)).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Hi  Bob", b"Hi  Bab"),
        (b"Subject:  Hello", b"Subject: Hallo"),
        (b"From: Ann", b"From: Eve"),
        (b"From: Ann", b"From: Eve <eve@evil.test>\r\nFrom: Ann"),
        (b"Subject:", b"Subject: another\r\nSubject:"),
        (b"\r\n\r\nHi", b"\r\nReply-To: eve@evil.test\r\nCc: x@evil.test\r\n\r\nHi, and"),
    ],
)
async def test_what_is_altered_fails(old: bytes, new: bytes) -> None:
    message = await signed()
    assert old in message
    assert (await only(message.replace(old, new, 1))).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Subject:  Hello \t there", b"SUBJECT:Hello\r\n there "),
        (b"Hi  Bob. \r\n\r\n\r\n", b"Hi Bob.\r\n"),
        (b"Date:", b"Received: from x\r\nDate:"),
    ],
)
async def test_what_relays_do_leaves_a_relaxed_signature_whole(old: bytes, new: bytes) -> None:
    message = await signed()
    assert old in message
    assert (await only(message.replace(old, new, 1))).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("old", "new", "verdict", "reason"),
    [
        (b"v=1;", b"v=2;", Verdict.NEUTRAL, "version"),
        (b"v=1; ", b"", Verdict.NEUTRAL, "version"),
        (b"a=rsa-sha256", b"a=rsa-sha1", Verdict.PERMERROR, "algorithm"),
        (b"a=rsa-sha256", b"a=ed25519-sha256", Verdict.PERMERROR, "algorithm"),
        (b"h=from:", b"h=x-from:", Verdict.NEUTRAL, "from"),
        (b"s=rsa", b"s=none", Verdict.PERMERROR, "no such key"),
        (b"s=rsa", b"s=rsa; i=@evil.test", Verdict.NEUTRAL, "identity"),
        (b"s=rsa", b"s=rsa; x=1", Verdict.FAIL, "expired"),
        (b"s=rsa", b"s=rsa; x=soon", Verdict.NEUTRAL, "number"),
        (b"s=rsa", b"s=rsa; l=99999", Verdict.PERMERROR, "longer"),
        (b"s=rsa", b"s=rsa; s=rsa", Verdict.NEUTRAL, "twice"),
        (b"s=rsa", b"s=rsa; q=http", Verdict.NEUTRAL, "asked"),
        (b"c=relaxed/relaxed", b"c=nofws", Verdict.NEUTRAL, "canonicalization"),
        (b"bh=", b"bh=!", Verdict.NEUTRAL, "base64"),
        (b"d=signer.test", b"d=..", Verdict.NEUTRAL, "domain"),
    ],
)
async def test_a_signature_that_is_not_one(old: bytes, new: bytes, verdict: Verdict, reason: str) -> None:
    message = await signed()
    if old == b"h=from:":  # and the one that closes the field
        message = message.replace(b":from:", b":")
    result = await only(message.replace(old, new, 1))
    assert result.verdict is verdict
    assert reason in result.reason


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("v=DKIM1; p=", "revoked"),
        ("v=DKIM2; p=x", "version"),
        ("k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "algorithm"),
        (rsa_record() + "; h=sha1", "algorithm"),
        (rsa_record() + "; s=tlsrpt", "mail"),
        ("v=DKIM1; p=AAAA", "cannot be read"),
        ("v=DKIM1; p=%", "base64"),
        ("not a key", "tag"),
    ],
)
async def test_a_key_that_does_not_serve(record: str, reason: str) -> None:
    result = await only(await signed(), DnsAnswers({"rsa._domainkey.signer.test": [record]}))
    assert result.verdict is Verdict.PERMERROR
    assert reason in result.reason


async def test_short_keys_are_refused() -> None:
    """RFC 8301 section 3.2."""
    weak = rsa_record(RSAPublicNumbers(65537, (1 << 767) + 1).public_key())
    result = await only(await signed(), DnsAnswers({"rsa._domainkey.signer.test": [weak]}))
    assert (result.verdict, result.reason) == (Verdict.PERMERROR, "the key has 768 bits")


async def test_another_key_beside_a_broken_one_serves() -> None:
    dns = DnsAnswers({"rsa._domainkey.signer.test": ["junk", rsa_record()]})
    assert (await only(await signed(), dns)).verdict is Verdict.PASS


async def test_dns_without_an_answer_is_no_judgement() -> None:
    dns = DnsAnswers(broken=["rsa._domainkey.signer.test"])
    assert (await only(await signed(), dns)).verdict is Verdict.TEMPERROR


async def test_dns_is_not_asked_for_a_body_that_was_altered() -> None:
    dns = DnsAnswers(published())
    await only((await signed()).replace(b"Bob.", b"Bab."), dns)
    assert dns.asked == []


async def test_a_signature_of_a_part_is_not_one_of_the_message() -> None:
    """Section 8.2: anything could have been added."""
    field = dkimpy.sign(
        MESSAGE, b"rsa", DOMAIN.encode(), pem(rsa_key()), canonicalize=(b"relaxed", b"simple"), length=True
    )
    assert (await only(field + MESSAGE)).verdict is Verdict.PASS
    assert (await only(field + MESSAGE.rstrip() + b"\r\nadded\r\n")).verdict is Verdict.FAIL
    added = MESSAGE.replace(b"Hi  Bob. \r\n", b"Hi  Bob. \r\nadded\r\n")
    assert (await only(field + added)).verdict is Verdict.POLICY


async def test_a_strict_key_signs_for_its_domain_alone() -> None:
    """Section 3.6.1, t=s."""
    dns = DnsAnswers({"rsa._domainkey.signer.test": [rsa_record() + "; t=s:y"]})
    message = await signed()
    assert (await only(message, dns)).verdict is Verdict.PASS
    below = await only(message.replace(b"s=rsa;", b"s=rsa; i=x@sub.signer.test;"), dns)
    assert below.verdict is Verdict.PERMERROR


async def test_only_so_many_signatures_are_tried() -> None:
    message = await signed(MESSAGE, *[rsa_signer()] * (SIGNATURES_LIMIT + 3))
    assert len(await results(message)) == SIGNATURES_LIMIT


@given(st.binary(max_size=300))
def test_any_octets_in_the_field_are_answered(octets: bytes) -> None:
    field = b"DKIM-Signature: " + octets.replace(b"\n", b"").replace(b"\r", b"") + b"\r\n"
    (result,) = asyncio.run(results(field + MESSAGE))
    assert result.verdict is not Verdict.PASS


def _dnsfunc(records: Mapping[str, list[str]]) -> Callable[..., bytes]:
    def ask(name: bytes, timeout: int = 5) -> bytes:
        return records[name.decode().removesuffix(".")][0].encode()

    return ask
