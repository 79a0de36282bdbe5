"""`mailkeep domains`: which domains are ours, and what happens to mail for nobody in particular."""

from __future__ import annotations

import click

from mailkeep.errors import AlreadyExists, InUse, NotFound
from mailkeep.model.address import Address
from mailkeep.model.directory import DmarcPolicy, Domain, DomainPolicy
from mailkeep_cli.context import CommandContext, store_command
from mailkeep_cli.dkim import dkim
from mailkeep_cli.domain_dns import dns
from mailkeep_cli.output import Row, show_done, show_rows
from mailkeep_cli.people import ADDRESS

COLUMNS = {
    "name": "DOMAIN",
    "policy": "POLICY",
    "catch_all": "CATCH-ALL",
    "dmarc": "DMARC",
    "greylists": "GREYLISTS",
    "created_at": "SINCE",
}
LIST_HINT = "See what is there with: mailkeep domains list"


@click.group()
def domains() -> None:
    """Which domains this server takes mail for.

    Point the domain's MX record here as well, or nobody will send to it.
    """


domains.add_command(dkim)
domains.add_command(dns)


@domains.command()
@click.argument("name")
@click.option(
    "--policy",
    type=click.Choice([policy.value for policy in DomainPolicy]),
    help="Mail for addresses that nobody has claimed: keep it until somebody does (store_unlinked), refuse "
    "it (reject_unknown), or give it to --catch-all (catch_all).  [default: store_unlinked]",
)
@click.option("--catch-all", type=ADDRESS, metavar="ADDRESS", help="Who gets it under the policy catch_all.")
@store_command
def add(context: CommandContext, name: str, policy: str | None, catch_all: Address | None) -> None:
    """Take mail for the domain NAME.

    \b
    Examples:
      mailkeep domains add example.org
      mailkeep domains add example.net --policy reject_unknown
      mailkeep domains add example.com --catch-all alice@example.org
    """
    chosen = _policy(policy, catch_all)
    made = context.run(
        lambda store: store.directory.add_domain(name, chosen, catch_all),
        hints={AlreadyExists: LIST_HINT},
        makes_store=True,
    )
    show_done(_row(made), f"Taking mail for {made.name} ({made.policy.value}).", as_json=context.as_json)


@domains.command("set")
@click.argument("name")
@click.option(
    "--dmarc",
    type=click.Choice([policy.value for policy in DmarcPolicy]),
    help="What fails DMARC, where its author's domain asks for measures: deliver it all the same (accept), "
    "file it under Junk (junk), or refuse what that domain asks to refuse and file the rest (refuse).",
)
@click.option(
    "--greylist/--no-greylist",
    "greylists",
    default=None,
    help="Have strangers try again some minutes later, which senders of spam seldom do.",
)
@store_command
def set_(context: CommandContext, name: str, dmarc: str | None, greylists: bool | None) -> None:
    """Say how the domain NAME takes mail from outside.

    \b
    Examples:
      mailkeep domains set example.org --dmarc refuse
      mailkeep domains set example.org --greylist
    """
    if dmarc is None and greylists is None:
        raise click.UsageError("Say what to set: --dmarc, --greylist or --no-greylist.")
    policy = None if dmarc is None else DmarcPolicy(dmarc)
    changed = context.run(
        lambda store: store.directory.set_reception(name, policy, greylists), hints={NotFound: LIST_HINT}
    )
    greylisting = "greylists strangers" if changed.greylists else "lets strangers in at once"
    sentence = f"{changed.name}: what fails DMARC: {changed.dmarc.value}; {greylisting}."
    show_done(_row(changed), sentence, as_json=context.as_json)


@domains.command("list")
@store_command
def list_(context: CommandContext) -> None:
    """List the domains."""
    found = context.run(lambda store: store.directory.domains())
    rows = [_row(domain) for domain in found]
    show_rows(
        rows,
        COLUMNS,
        as_json=context.as_json,
        empty="No domains yet; first: mailkeep domains add NAME",
    )


@domains.command()
@click.argument("name")
@store_command
def remove(context: CommandContext, name: str) -> None:
    """Stop taking mail for the domain NAME. Nobody may have an address in it any more.

    \b
    Example:
      mailkeep domains remove example.net
    """
    context.run(
        lambda store: store.directory.remove_domain(name),
        hints={
            NotFound: LIST_HINT,
            InUse: "See who has addresses in it with: mailkeep addresses list",
        },
    )
    show_done({"removed": name}, f"Mail for {name} is not taken any more.", as_json=context.as_json)


def _policy(policy: str | None, catch_all: Address | None) -> DomainPolicy:
    if policy is None:
        return DomainPolicy.CATCH_ALL if catch_all else DomainPolicy.STORE_UNLINKED
    chosen = DomainPolicy(policy)
    if (chosen is DomainPolicy.CATCH_ALL) != (catch_all is not None):
        raise click.UsageError("--policy catch_all and --catch-all ADDRESS go together.")
    return chosen


def _row(domain: Domain) -> Row:
    return {
        "name": domain.name,
        "policy": domain.policy.value,
        "catch_all": domain.catch_all,
        "dmarc": domain.dmarc.value,
        "greylists": domain.greylists,
        "created_at": domain.created_at,
    }
