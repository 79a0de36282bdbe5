"""DMARC: RFC 7489's examples of alignment, discovery and sampling, and the ways round it that are closed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.mailauth.dns_answers import DnsAnswers

from mailkeep.mailauth.dkim import DkimResult
from mailkeep.mailauth.dmarc import DmarcResult, Proven, evaluate, is_aligned, parse
from mailkeep.mailauth.message import in_memory
from mailkeep.mailauth.organizational import organizational_domain
from mailkeep.mailauth.spf import SpfResult
from mailkeep.mailauth.tags import TagSyntax
from mailkeep.mailauth.verdict import Disposition, Verdict

NOTHING = SpfResult(Verdict.NONE, "")


async def result(
    record: str | None,
    spf: SpfResult = NOTHING,
    *dkim: DkimResult,
    header: str = "From: a@example.com",
    sample: int = 0,
    at: str = "_dmarc.example.com",
) -> DmarcResult:
    dns = DnsAnswers({at: [record]} if record is not None else {})
    message = in_memory(f"{header}\r\n\r\n".encode())
    return await evaluate(message, Proven(spf, dkim), dns, lambda: sample)


def spf(domain: str, verdict: Verdict = Verdict.PASS) -> SpfResult:
    return SpfResult(verdict, domain)


def dkim(domain: str, verdict: Verdict = Verdict.PASS) -> DkimResult:
    return DkimResult(verdict, domain)


@pytest.mark.parametrize(
    ("proven", "author", "relaxed", "strict"),
    [
        ("example.com", "example.com", True, True),
        ("child.example.com", "example.com", True, False),  # appendix B.1.2
        ("example.com", "child.example.com", True, False),
        ("a.example.com", "b.example.com", True, False),
        ("sample.net", "example.com", False, False),  # appendix B.1.3
        ("evil-example.com", "example.com", False, False),
        ("one.co.uk", "two.co.uk", False, False),  # they share a public suffix alone
        ("co.uk", "one.co.uk", False, False),
        ("", "example.com", False, False),
    ],
)
def test_alignment(proven: str, author: str, relaxed: bool, strict: bool) -> None:
    assert is_aligned(proven, author, strict=False) is relaxed
    assert is_aligned(proven, author, strict=True) is strict


@pytest.mark.parametrize(
    ("name", "organization"),
    [
        ("a.b.example.com", "example.com"),
        ("a.example.co.uk", "example.co.uk"),
        ("co.uk", "co.uk"),
        ("mail.example.test", "example.test"),
    ],
)
def test_organizational_domains(name: str, organization: str) -> None:
    assert organizational_domain(name) == organization


async def test_a_domain_without_a_record_asks_for_nothing() -> None:
    assert await result(None) == DmarcResult(Verdict.NONE, "example.com")


async def test_one_aligned_proof_is_enough() -> None:
    record = "v=DMARC1; p=reject"
    assert (
        await result(record, spf("example.com", Verdict.FAIL), dkim("example.com"))
    ).verdict is Verdict.PASS
    assert (await result(record, spf("bounce.example.com"))).verdict is Verdict.PASS
    assert (await result(record, spf("list.test"), dkim("list.test"))).disposition is Disposition.REJECT


async def test_strict_alignment_is_asked_for_by_method() -> None:
    below = spf("sub.example.com"), dkim("sub.example.com")
    assert (await result("v=DMARC1; p=reject; aspf=s", *below)).verdict is Verdict.PASS
    assert (await result("v=DMARC1; p=reject; aspf=s; adkim=s", *below)).verdict is Verdict.FAIL


async def test_dns_that_failed_is_no_ground_to_refuse() -> None:
    record = "v=DMARC1; p=reject"
    unknown = await result(record, spf("example.com", Verdict.TEMPERROR))
    assert (unknown.verdict, unknown.disposition) == (Verdict.TEMPERROR, Disposition.NONE)
    elsewhere = await result(record, spf("other.test", Verdict.TEMPERROR))
    assert elsewhere.verdict is Verdict.FAIL
    dns = DnsAnswers(broken=["_dmarc.example.com"])
    message = in_memory(b"From: a@example.com\r\n\r\n")
    found = await evaluate(message, Proven(NOTHING, ()), dns, lambda: 0)
    assert found.verdict is Verdict.TEMPERROR


async def test_subdomains_follow_their_organization() -> None:
    """Section 6.6.3, and sp= of section 6.3."""
    header = "From: a@child.example.com"
    assert (await result("v=DMARC1; p=reject", header=header)).disposition is Disposition.REJECT
    weaker = await result("v=DMARC1; p=reject; sp=none", header=header)
    assert (weaker.verdict, weaker.disposition) == (Verdict.FAIL, Disposition.NONE)
    own = await result("v=DMARC1; p=quarantine", header=header, at="_dmarc.child.example.com")
    assert own.disposition is Disposition.QUARANTINE


@pytest.mark.parametrize(
    ("policy", "sample", "disposition"),
    [
        ("reject", 29, Disposition.REJECT),
        ("reject", 30, Disposition.QUARANTINE),
        ("quarantine", 30, Disposition.NONE),
        ("none", 30, Disposition.NONE),
    ],
)
async def test_who_is_not_in_the_sample_is_treated_less_strictly(
    policy: str, sample: int, disposition: Disposition
) -> None:
    """Section 6.6.4."""
    found = await result(f"v=DMARC1; p={policy}; pct=30", sample=sample)
    assert (found.verdict, found.disposition) == (Verdict.FAIL, disposition)


@pytest.mark.parametrize(
    "header",
    [
        "From: a@harmless.test\r\nFrom: a@example.com",
        "From: a@harmless.test, b@example.com",
        "From: A Group: a@harmless.test, b@example.com;",
        'From: "a@harmless.test" <b@EXAMPLE.com>',
        "FROM : b@example.com",
    ],
)
async def test_every_author_is_looked_at(header: str) -> None:
    """Section 6.6.1: otherwise a second one would be a way round."""
    found = await result("v=DMARC1; p=reject", spf("harmless.test"), header=header)
    assert (found.domain, found.disposition) == ("example.com", Disposition.REJECT)


@pytest.mark.parametrize(
    "header", ["Subject: x", "From: nobody", "From: a@[192.0.2.1", "From: a@..", "From:"]
)
async def test_a_message_of_nobody_has_no_policy(header: str) -> None:
    assert (await result("v=DMARC1; p=reject", header=header)).verdict is Verdict.PERMERROR


@pytest.mark.parametrize(
    ("record", "verdict"),
    [
        ("v=DMARC1; p=reject; unknown=1;", Verdict.FAIL),
        ("v=DMARC1;p=REJECT", Verdict.FAIL),
        ("v=DMARC1; rua=mailto:x@example.com", Verdict.FAIL),  # reports alone: p=none
        ("v=DMARC1; p=strange; rua=mailto:x@example.com", Verdict.FAIL),
        ("v=DMARC1; p=strange", Verdict.PERMERROR),
        ("v=DMARC1", Verdict.PERMERROR),
        ("v=DMARC2; p=reject", Verdict.NONE),
        ("p=reject; v=DMARC1", Verdict.NONE),
        ("v=spf1 -all", Verdict.NONE),
    ],
)
async def test_records(record: str, verdict: Verdict) -> None:
    assert (await result(record)).verdict is verdict


async def test_of_several_records_none_holds() -> None:
    """Section 6.6.3 step 5."""
    dns = DnsAnswers({"_dmarc.example.com": ["v=DMARC1; p=reject", "v=DMARC1; p=none"]})
    found = await evaluate(in_memory(b"From: a@example.com\r\n\r\n"), Proven(NOTHING, ()), dns, lambda: 0)
    assert found.verdict is Verdict.NONE


@given(st.binary(max_size=200))
def test_any_octets_are_a_record_or_a_syntax_error(octets: bytes) -> None:
    try:
        record = parse(b"v=DMARC1; p=none;" + octets)
    except TagSyntax:
        return
    assert 0 <= record.percent <= 100
