"""Sealing (RFC 8617 section 5.1): dkimpy and our own verifier both take what we add, to any chain."""

from __future__ import annotations

import dkim as dkimpy
import pytest
from tests.unit.mailauth.dns_answers import DnsAnswers
from tests.unit.mailauth.sealing import sealed
from tests.unit.mailauth.signing import ed25519_signer, published, rsa_signer

from mailkeep.mailauth.arc import SETS_LIMIT, ArcResult, verify
from mailkeep.mailauth.dkim.sign import BODY_FORM, SigningKey
from mailkeep.mailauth.message import in_memory
from mailkeep.mailauth.seal import Seen, seal
from mailkeep.mailauth.verdict import Verdict

MESSAGE = (
    b"Received: from a by b\r\nDKIM-Signature: v=1; a=rsa-sha256; d=x.test; s=y; bh=; b=\r\n"
    b"From: Ann <ann@signer.test>\r\nTo: bob@example.test\r\nSubject: Hello\r\n\r\nHi  Bob. \r\n\r\n"
)
RESULTS = (
    b"mx.example.test;\r\n\tspf=pass smtp.mailfrom=ann@signer.test;\r\n"
    b"\tdmarc=pass header.from=signer.test\r\n"
)
RECORDS = published() | published("list.test")


async def passed_on(message: bytes, key: SigningKey, chain: ArcResult | None = None) -> bytes:
    """As a forwarder sends it: the chain as it is found, unless given."""
    checked = in_memory(message)
    body = (await checked.hash_bodies([BODY_FORM]))[BODY_FORM]
    seen = Seen(chain or await verify(checked, DnsAnswers(RECORDS)), RESULTS)
    return seal(checked, body, key, 1_790_000_000, seen) + message


async def verdict(message: bytes) -> Verdict:
    return (await verify(in_memory(message), DnsAnswers(RECORDS))).verdict


def oracle(message: bytes) -> bytes:
    status, _, reason = dkimpy.arc_verify(
        message, dnsfunc=lambda name, timeout=5: RECORDS[name.decode().removesuffix(".")][0].encode()
    )
    assert status is not None, reason
    return bytes(status)


async def test_a_first_set() -> None:
    made = await passed_on(MESSAGE, rsa_signer())
    assert oracle(made) == dkimpy.CV_Pass
    found = await verify(in_memory(made), DnsAnswers(RECORDS))
    assert found == ArcResult(Verdict.PASS, "signer.test", saw_dmarc_pass=True)
    order = [name for name, _ in in_memory(made).fields][:3]
    assert order == [b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results"]
    assert b"cv=none" in made
    assert max(map(len, made.split(b"\r\n"))) < 100


async def test_a_chain_goes_on() -> None:
    made = MESSAGE
    for key in (rsa_signer(), rsa_signer("list.test"), rsa_signer()):
        made = await passed_on(made, key)
    assert oracle(made) == dkimpy.CV_Pass
    assert await verdict(made) is Verdict.PASS
    assert made.count(b"cv=pass") == 2


async def test_above_a_set_of_somebody_else() -> None:
    made = await passed_on(sealed(MESSAGE, "list.test", "spf=pass", "none"), rsa_signer())
    assert oracle(made) == dkimpy.CV_Pass


async def test_ed25519() -> None:
    """RFC 8463's algorithm, which dkimpy does not take in ARC."""
    assert await verdict(await passed_on(MESSAGE, ed25519_signer())) is Verdict.PASS


@pytest.mark.parametrize(("old", "new"), [(b"Hello", b"Hallo"), (b"spf=pass", b"spf=fail"), (b"s=y", b"s=z")])
async def test_what_is_altered_afterwards_is_seen(old: bytes, new: bytes) -> None:
    """Signatures are covered as well (section 4.1.2)."""
    made = await passed_on(MESSAGE, rsa_signer())
    assert await verdict(made.replace(old, new)) is Verdict.FAIL
    assert oracle(made.replace(old, new)) == dkimpy.CV_Fail


async def test_a_broken_chain_is_sealed_as_such_and_then_never_again() -> None:
    """Sections 5.1.2 and 5.1.3."""
    broken = (await passed_on(MESSAGE, rsa_signer())).replace(b"Hello", b"Hallo")
    once = await passed_on(broken, rsa_signer("list.test"))
    assert once.startswith(b"ARC-Seal: i=2; a=rsa-sha256; cv=fail;")
    assert await verdict(once) is Verdict.FAIL
    assert await passed_on(once, rsa_signer()) == once


async def test_nothing_is_said_of_a_chain_that_nobody_knows() -> None:
    """Without DNS "fail" would be a lie, and for ever."""
    chain = await passed_on(MESSAGE, rsa_signer())
    unknown = ArcResult(Verdict.FAIL, reason="DNS did not answer", is_unknown=True)
    assert await passed_on(chain, rsa_signer("list.test"), unknown) == chain


@pytest.mark.parametrize(
    "fields",
    [
        b"ARC-Seal: i=1; cv=none\r\n",
        b"ARC-Seal: i=2; cv=none\r\nARC-Message-Signature: i=2; x=y\r\n"
        b"ARC-Authentication-Results: i=2; x\r\n",
        b"ARC-Seal: x\r\nARC-Message-Signature: i=1; x=y\r\nARC-Authentication-Results: i=1; x\r\n",
        b"".join(
            b"ARC-Seal: i=%d; cv=pass\r\nARC-Message-Signature: i=%d; x=y\r\n"
            b"ARC-Authentication-Results: i=%d; x\r\n" % (at, at, at)
            for at in range(1, SETS_LIMIT + 1)
        ),
    ],
    ids=["not whole", "gap", "no instance", "limit"],
)
async def test_where_no_set_may_follow(fields: bytes) -> None:
    assert await passed_on(fields + MESSAGE, rsa_signer()) == fields + MESSAGE
