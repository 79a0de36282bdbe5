"""`mailkeep doctor`: what is wrong with this server, and how to mend it."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict

import click

from mailkeep.model.finding import Finding, State
from mailkeep.net import published
from mailkeep.net.dns import Resolver
from mailkeep_cli.checks import certified, configured, distant, listening, machine, stored
from mailkeep_cli.context import CommandContext, store_command
from mailkeep_cli.output import plain, show_rows

MARKS = {State.OK: "ok", State.UNKNOWN: "?", State.WARNING: "!", State.FAILURE: "FAIL"}


@click.command()
@click.option("--ports/--no-ports", default=True, help="Whether to connect to every listener.")
@click.option("--dns/--no-dns", default=True, help="Whether to ask name servers.")
@store_command
def doctor(context: CommandContext, ports: bool, dns: bool) -> None:
    """Say what is wrong with this server, and how to mend it.

    Looks at the settings, the database and its tables, the object store, ports, certificates, DNS records,
    the clock, the disk and API keys. It changes nothing. The exit code is 1 if something does not work.

    \b
    Examples:
      mailkeep doctor --config /etc/mailkeep/mailkeep.toml
      mailkeep doctor --no-dns --json
    """
    findings = asyncio.run(_examine(context, ports, dns))
    if context.as_json:
        show_rows([asdict(finding) for finding in findings], {}, as_json=True, empty="")
    else:
        for finding in findings:
            click.echo(f"{MARKS[finding.state]:>4}  {finding.check:<11} {plain(finding.sentence)}")
            if finding.mend:
                click.echo(f"{'':>4}  {'':<11}   {plain(finding.mend)}")
    if any(finding.state is State.FAILURE for finding in findings):
        sys.exit(1)


async def _examine(context: CommandContext, ports: bool, dns: bool) -> list[Finding]:
    settings = context.settings
    domains: list[str] = []
    findings = list(configured.check(settings))
    findings += [finding async for finding in stored.check(settings, domains)]
    findings += [finding async for finding in distant.check(settings)]
    if ports:
        findings += [finding async for finding in listening.check(settings)]
    findings += certified.check(settings)
    if dns:
        lookups = Resolver(settings.dns)
        findings += [finding async for finding in published.check(settings, domains, lookups)]
    return [*findings, *machine.check(settings)]
