"""DMARC (RFC 7489): does anything that was proven belong to the domain that readers see in From?

A record is looked for at the author's domain and then at its organizational domain. What it asks for is
reported as a disposition; nobody here carries it out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mailkeep.errors import InvalidName
from mailkeep.mailauth import tags
from mailkeep.mailauth.dkim import DkimResult
from mailkeep.mailauth.message import CheckedMessage
from mailkeep.mailauth.organizational import organizational_domain
from mailkeep.mailauth.spf import SpfResult
from mailkeep.mailauth.tags import TagSyntax
from mailkeep.mailauth.verdict import Disposition, Verdict
from mailkeep.mime import addresses, headers
from mailkeep.model.address import normal_domain
from mailkeep.model.dns import DnsUnavailable, Lookups, NoRecords

AUTHORS_LIMIT = 10  # domains in From that are looked at; more are nobody's


@dataclass(frozen=True, slots=True)
class DmarcResult:
    """`disposition` is NONE unless the verdict is FAIL. `policy` is what the record says, before sampling."""

    verdict: Verdict
    domain: str = ""
    disposition: Disposition = Disposition.NONE
    policy: Disposition | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DmarcRecord:
    """A published policy. `percent` is how many of the failing messages it is meant for."""

    policy: Disposition
    subdomains: Disposition
    strict_dkim: bool
    strict_spf: bool
    percent: int


@dataclass(frozen=True, slots=True)
class Proven:
    """What SPF and DKIM came to."""

    spf: SpfResult
    dkim: Sequence[DkimResult]


async def evaluate(
    message: CheckedMessage, proven: Proven, lookups: Lookups, sample: Callable[[], int]
) -> DmarcResult:
    """The result for the message. `sample` gives a number from 0 to 99, evenly (section 6.6.4).

    A message with several authors' domains gets the worst result (section 6.6.1): otherwise a second From
    would be a way round.
    """
    try:
        domains = author_domains(message)
    except InvalidName as error:
        return DmarcResult(Verdict.PERMERROR, reason=str(error).rstrip("."))
    found = [await _evaluate_domain(domain, proven, lookups, sample) for domain in domains]
    return max(found, key=lambda result: (result.disposition, _SEVERITY[result.verdict]))


_SEVERITY = {
    Verdict.PASS: 0,
    Verdict.NONE: 1,
    Verdict.PERMERROR: 2,
    Verdict.TEMPERROR: 3,
    Verdict.FAIL: 4,
}


def author_domains(message: CheckedMessage) -> list[str]:
    """Domains in all From fields, each once, at least one. Raises InvalidName."""
    domains: dict[str, None] = {}
    for raw in message.named(b"from"):
        for mailbox in addresses.parse(headers.unfold(raw.partition(b":")[2])):
            if mailbox.mailbox is None or mailbox.host is None:
                continue  # a group's name
            if mailbox.host == addresses.MISSING_DOMAIN:
                raise InvalidName("From holds something that is no address.")
            domains[normal_domain(mailbox.host.decode("utf-8", "surrogateescape"))] = None
    if not 0 < len(domains) <= AUTHORS_LIMIT:
        raise InvalidName("From names no domain, or too many.")
    return list(domains)


async def _evaluate_domain(
    domain: str, proven: Proven, lookups: Lookups, sample: Callable[[], int]
) -> DmarcResult:
    try:
        record, of_parent = await find_record(domain, lookups)
    except DnsUnavailable:
        return DmarcResult(Verdict.TEMPERROR, domain, reason="DNS did not answer")
    except TagSyntax as error:
        return DmarcResult(Verdict.PERMERROR, domain, reason=str(error).rstrip("."))
    if record is None:
        return DmarcResult(Verdict.NONE, domain)
    policy = record.subdomains if of_parent else record.policy
    verdict = _aligned_verdict(domain, record, proven)
    if verdict is not Verdict.FAIL:
        return DmarcResult(verdict, domain, policy=policy)
    return DmarcResult(verdict, domain, _sampled(policy, record.percent, sample), policy)


def _aligned_verdict(domain: str, record: DmarcRecord, proven: Proven) -> Verdict:
    """PASS if one proof is of the author's domain. What DNS could not say may yet have been one."""
    aligned = [item.verdict for item in proven.dkim if is_aligned(item.domain, domain, record.strict_dkim)]
    if is_aligned(proven.spf.domain, domain, record.strict_spf):
        aligned.append(proven.spf.verdict)
    for verdict in (Verdict.PASS, Verdict.TEMPERROR):
        if verdict in aligned:
            return verdict
    return Verdict.FAIL


def is_aligned(proven: str, author: str, strict: bool) -> bool:
    """Section 3.1: the same domain, or unless `strict` the same organization's."""
    if not proven or strict:
        return proven == author
    return proven == author or organizational_domain(proven) == organizational_domain(author)


def _sampled(policy: Disposition, percent: int, sample: Callable[[], int]) -> Disposition:
    """Section 6.6.4: who is not in the sample gets the next weaker treatment."""
    if percent >= 100 or policy is Disposition.NONE or sample() < percent:
        return policy
    return Disposition(policy - 1)


async def find_record(domain: str, lookups: Lookups) -> tuple[DmarcRecord | None, bool]:
    """The record that holds for a domain, and whether it is its organizational domain's (section 6.6.3).

    Raises DnsUnavailable, TagSyntax.
    """
    own = await _record_at(domain, lookups)
    if own is not None:
        return own, False
    organization = organizational_domain(domain)
    return (None if organization == domain else await _record_at(organization, lookups)), True


async def _record_at(domain: str, lookups: Lookups) -> DmarcRecord | None:
    try:
        texts = (await lookups.txt(f"_dmarc.{domain}")).records
    except NoRecords:
        return None
    records = [text for text in texts if _is_dmarc(text)]
    return parse(records[0]) if len(records) == 1 else None  # section 6.6.3: of several none holds


def _is_dmarc(text: bytes) -> bool:
    name, _, value = text.partition(b";")[0].partition(b"=")
    return name.strip() == b"v" and value.strip() == b"DMARC1"


def parse(text: bytes) -> DmarcRecord:
    """Section 6.3. Raises TagSyntax if there is no policy to be found in it."""
    found = tags.parse(text)
    policy = _disposition(found.get("p", ""))
    subdomains = _disposition(found.get("sp", found.get("p", "")))
    if policy is None or subdomains is None:
        if "rua" not in found:
            raise TagSyntax("The DMARC record names no policy.")
        policy = subdomains = Disposition.NONE  # section 6.6.3: reports alone are asked for
    percent = found.get("pct", "100")
    return DmarcRecord(
        policy=policy,
        subdomains=subdomains,
        strict_dkim=found.get("adkim", "r").lower() == "s",
        strict_spf=found.get("aspf", "r").lower() == "s",
        percent=min(int(percent), 100)
        if percent.isascii() and percent.isdigit() and len(percent) < 4
        else 100,
    )


def _disposition(word: str) -> Disposition | None:
    return Disposition.__members__.get(word.upper())
