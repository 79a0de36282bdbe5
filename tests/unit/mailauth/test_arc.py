"""ARC: chains that dkimpy takes as well, and everything that breaks one."""

from __future__ import annotations

import dkim as dkimpy
import pytest
from tests.unit.mailauth.dns_answers import DnsAnswers
from tests.unit.mailauth.sealing import sealed
from tests.unit.mailauth.signing import published

from mailkeep.mailauth.arc import ArcResult, verify
from mailkeep.mailauth.message import in_memory
from mailkeep.mailauth.verdict import Verdict

MESSAGE = b"From: Ann <ann@signer.test>\r\nTo: bob@example.test\r\nSubject: Hello\r\n\r\nHi Bob.\r\n"
SEEN = "spf=pass smtp.mailfrom=signer.test; dmarc=pass header.from=signer.test"


def one(message: bytes = MESSAGE) -> bytes:
    """A chain of one set."""
    return sealed(message, "signer.test", SEEN, "none")


def two() -> bytes:
    """A list's set above it."""
    return sealed(one(), "list.test", "arc=pass; dmarc=fail header.from=signer.test", "pass")


async def result(message: bytes, dns: DnsAnswers | None = None) -> ArcResult:
    return await verify(in_memory(message), dns or DnsAnswers(published() | published("list.test")))


async def test_most_messages_have_no_chain() -> None:
    assert await result(MESSAGE) == ArcResult(Verdict.NONE)


async def test_a_chain_of_one() -> None:
    assert await result(one()) == ArcResult(Verdict.PASS, "signer.test", saw_dmarc_pass=True)


async def test_a_chain_of_three() -> None:
    chain = sealed(two(), "list.test", "arc=pass", "pass")
    assert await result(chain) == ArcResult(Verdict.PASS, "list.test", saw_dmarc_pass=False)


@pytest.mark.parametrize("chain", [one(), two()])
def test_these_chains_are_such_by_dkimpy_too(chain: bytes) -> None:
    records = published() | published("list.test")
    status, _, reason = dkimpy.arc_verify(
        chain, dnsfunc=lambda name, timeout=5: records[name.decode().removesuffix(".")][0].encode()
    )
    assert status == dkimpy.CV_Pass, reason


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Hi Bob", b"Hi Bab"),
        (b"Subject: Hello", b"Subject: Hallo"),
        (b"dmarc=pass", b"dmarc=fail"),
        (b"cv=none", b"cv=pass"),
        (b"cv=none", b"cv=fail"),
        (b"i=1", b"i=2"),
        (b"i=1", b"i=0"),
        (b"i=1", b"i=x"),
        (b"a=rsa-sha256", b"a=rsa-sha1"),
        (b"ARC-Seal:", b"X-Seal:"),
        (b"ARC-Message-Signature:", b"X-Signature:"),
        (b"ARC-Authentication-Results:", b"X-Results:"),
        (b"s=rsa", b"s=none"),
        (b"d=signer.test", b"d=other.test"),
    ],
)
async def test_what_breaks_a_chain(old: bytes, new: bytes) -> None:
    chain = one()
    assert old in chain
    assert (await result(chain.replace(old, new, 1))).verdict is Verdict.FAIL


async def test_a_set_cannot_be_taken_out_or_doubled() -> None:
    added = two().removesuffix(one())
    assert (await result(added + MESSAGE)).verdict is Verdict.FAIL
    assert (await result(added + two())).verdict is Verdict.FAIL


async def test_more_sets_than_the_limit_are_not_looked_at() -> None:
    """RFC 8617 section 4.2.1."""
    dns = DnsAnswers(published())
    fields = b"".join(
        b"ARC-Seal: i=%d; cv=pass\r\nARC-Message-Signature: i=%d; x=y\r\n"
        b"ARC-Authentication-Results: i=%d; x\r\n" % (at, at, at)
        for at in range(1, 60)
    )
    assert (await result(fields + MESSAGE, dns)).verdict is Verdict.FAIL
    assert dns.asked == []


async def test_without_dns_nothing_is_proven() -> None:
    dns = DnsAnswers(broken=["rsa._domainkey.signer.test"])
    found = await result(one(), dns)
    assert (found.verdict, found.reason) == (Verdict.FAIL, "DNS did not answer")
