"""What DNS says of this server and its domains: without it nobody sends here, or takes mail from here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from mailkeep.model.dns import Answer, DnsUnavailable, Lookups, NoRecords, Record
from mailkeep.model.finding import Finding, failure, ok, unknown, warning
from mailkeep.settings import Settings
from mailkeep.smtp import tlsrpt

CHECK = "dns"


@dataclass(frozen=True, slots=True)
class _Policy:
    """A TXT record that every domain should have."""

    title: str
    prefix: str
    begins: bytes
    example: str


POLICIES = (
    _Policy("SPF", "", b"v=spf1", "v=spf1 mx -all"),
    _Policy("DMARC", "_dmarc.", b"v=DMARC1", "v=DMARC1; p=quarantine"),
)
ASK_AGAIN = "Ask again later, or name servers in [dns] that answer."


async def check(settings: Settings, domains: list[str], lookups: Lookups) -> AsyncIterator[Finding]:
    """The server's own name first, then each domain."""
    if not settings.smtp.mx:
        return
    host = settings.smtp.hostname.rstrip(".").lower()
    try:
        yield await _own_name(host, lookups)
        for domain in domains:
            yield await _exchanger(domain, host, lookups)
            for policy in POLICIES:
                yield await _policy(domain, policy, lookups)
            yield await _tls_reports(domain, lookups)
    except DnsUnavailable:
        yield unknown(CHECK, "No name server answers.", ASK_AGAIN)


async def _own_name(host: str, lookups: Lookups) -> Finding:
    addresses = [*await _records(lookups.a, host), *await _records(lookups.aaaa, host)]
    if not addresses:
        return failure(
            CHECK, f"DNS has no address for '{host}'.", "Add an A or AAAA record for [smtp] hostname."
        )
    for address in addresses:
        names = [name.rstrip(".").lower() for name in await _records(lookups.ptr, address)]
        if host not in names:
            mend = "Have whoever gave you the address set its reverse record (PTR): many servers insist."
            return warning(CHECK, f"The address {address} of '{host}' does not name it in reverse.", mend)
    return ok(CHECK, f"'{host}' and its addresses name each other.")


async def _exchanger(domain: str, host: str, lookups: Lookups) -> Finding:
    exchangers = [record.host.lower() for record in await _records(lookups.mx, domain)]
    if host in exchangers:
        return ok(CHECK, f"Mail for {domain} comes here.")
    told = ", ".join(exchangers) or "nobody"
    return failure(CHECK, f"Mail for {domain} goes to {told}.", f"Add the record: {domain}. MX 10 {host}.")


async def _policy(domain: str, policy: _Policy, lookups: Lookups) -> Finding:
    name = f"{policy.prefix}{domain}"
    if any(text.startswith(policy.begins) for text in await _records(lookups.txt, name)):
        return ok(CHECK, f"{domain} publishes its {policy.title} policy.")
    sentence = f"{domain} publishes no {policy.title} policy, so its mail is trusted less."
    return warning(CHECK, sentence, f'Add the record: {name}. TXT "{policy.example}"')


async def _tls_reports(domain: str, lookups: Lookups) -> Finding:
    """RFC 8460: whoever cannot reach the domain over TLS can say so."""
    name = f"{tlsrpt.PREFIX}.{domain}"
    example = tlsrpt.record_text(f"mailto:postmaster@{domain}")
    try:
        uris = tlsrpt.find_record(await _records(lookups.txt, name))
    except tlsrpt.RecordInvalid as error:
        return warning(CHECK, f"{name} is of no use: {error}", f'Have one record: {name}. TXT "{example}"')
    if uris is None:
        sentence = f"{domain} does not say who is told of TLS that failed (TLSRPT)."
        return warning(CHECK, sentence, f'Add the record: {name}. TXT "{example}"')
    return ok(CHECK, f"Failures of TLS for {domain} are told to {', '.join(uris)}.")


async def _records(ask: Callable[[str], Awaitable[Answer[Record]]], name: str) -> tuple[Record, ...]:
    try:
        return (await ask(name)).records
    except NoRecords:
        return ()
