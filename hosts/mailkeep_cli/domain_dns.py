"""`mailkeep domains dns`: what a domain's zone should hold, so that mail comes here and is believed
elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mailkeep.model.address import normal_domain
from mailkeep.settings import Settings
from mailkeep.smtp import tlsrpt
from mailkeep.smtp.sts_policy import policy_id, policy_text
from mailkeep_cli.context import CommandContext, PlainError, store_command
from mailkeep_cli.dkim import published, record_of
from mailkeep_cli.dns_records import DnsRecord, show_records

# RFC 6186, RFC 8314: the service, the section and setting with its listeners, and its port without any.
SERVICES = (
    ("submissions", "smtp", "submissions", 465),
    ("submission", "smtp", "submission", 587),
    ("imaps", "imap", "tls", 993),
    ("imap", "imap", "plain", 143),
    ("pop3s", "pop3", "tls", 995),
    ("pop3", "pop3", "plain", 110),
)


@click.command("dns")
@click.argument("name")
@click.option("--host", help="What this server is called in DNS.  [default: [smtp] hostname]")
@store_command
def dns(context: CommandContext, name: str, host: str | None) -> None:
    """Print the DNS records that the domain NAME needs, as lines of a zone file.

    \b
    Examples:
      mailkeep domains dns example.org --host mail.example.org
      mailkeep domains dns example.org --config mail.toml --json
    """
    server = host or context.settings.smtp.hostname
    if "." not in server:
        raise PlainError(
            f"The server's name '{server}' is not one that DNS has.",
            "Say it with --host mail.example.org, or set [smtp] hostname.",
        )
    keys = [record_of(key) for key in published(context, name)]
    show_records([*_records(normal_domain(name), server, context.settings, keys)], as_json=context.as_json)


def _records(name: str, server: str, settings: Settings, keys: list[DnsRecord]) -> Iterator[DnsRecord]:
    yield DnsRecord(name, "MX", f"10 {server}.", "Mail for the domain comes here.")
    yield DnsRecord(name, "TXT", "v=spf1 mx -all", "SPF: nobody else sends for it. Add who does.")
    for key in keys:
        yield DnsRecord(key.name, key.type, key.value, "DKIM: what its users send is signed.")
    reports = f"rua=mailto:postmaster@{name}"
    policy = f"v=DMARC1; p=none; {reports}"
    yield DnsRecord(f"_dmarc.{name}", "TXT", policy, "DMARC: watch the reports, then quarantine or reject.")
    failures = tlsrpt.record_text(f"mailto:postmaster@{name}")
    yield DnsRecord(f"{tlsrpt.PREFIX}.{name}", "TXT", failures, "TLSRPT: who is told of TLS that failed.")
    yield from _mta_sts(name, server, settings)
    yield from _services(name, server, settings)
    yield DnsRecord(f"autoconfig.{name}", "CNAME", f"{server}.", "Thunderbird asks here for its settings.")
    yield DnsRecord(f"_autodiscover._tcp.{name}", "SRV", f"0 0 443 {server}.", "Outlook asks here.")


def _mta_sts(name: str, server: str, settings: Settings) -> Iterator[DnsRecord]:
    """RFC 8461 section 3.1; the API host serves the policy."""
    mode = settings.smtp.mta_sts_mode
    if mode == "none":
        return
    note = f"MTA-STS ({mode}): the API host serves the policy as https://mta-sts.{name}/."
    yield DnsRecord(f"mta-sts.{name}", "CNAME", f"{server}.", note)
    version = policy_id(policy_text(mode, server))
    yield DnsRecord(f"_mta-sts.{name}", "TXT", f"v=STSv1; id={version}", note)


def _services(name: str, server: str, settings: Settings) -> Iterator[DnsRecord]:
    """Where mail clients connect; "." says that there is no such service (RFC 6186 section 3.4)."""
    sections = {"smtp": settings.smtp, "imap": settings.imap, "pop3": settings.pop3}
    known = any(getattr(sections[section], listener) for _, section, listener, _ in SERVICES)
    for service, section, listener, standard in SERVICES:
        places = getattr(sections[section], listener)
        port = int(places[0].rpartition(":")[2]) if places else standard
        value = f"0 1 {port} {server}." if places or not known else "0 0 0 ."
        yield DnsRecord(f"_{service}._tcp.{name}", "SRV", value, "Mail clients find the services.")
