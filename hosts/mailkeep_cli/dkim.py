"""`mailkeep domains dkim`: keys that sign what a domain's users send, and the DNS records that publish
them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import click

from mailkeep.delivery.dkim_keys import Algorithm, DkimKeyFiles, PublishedKey
from mailkeep.errors import AlreadyExists, MailkeepError, NotFound
from mailkeep.model.address import normal_domain
from mailkeep.storage.interface import Store
from mailkeep_cli.context import CommandContext, PlainError, store_command
from mailkeep_cli.dns_records import DnsRecord, show_records
from mailkeep_cli.output import show_done, show_rows

COLUMNS = {"selector": "SELECTOR", "algorithm": "ALGORITHM", "name": "DNS NAME"}
ALGORITHMS: dict[str, tuple[Algorithm, ...]] = {
    "both": ("rsa", "ed25519"),
    "rsa": ("rsa",),
    "ed25519": ("ed25519",),
}


@click.group()
def dkim() -> None:
    """Sign what a domain's users send.

    Private keys are files that only this machine's Mailkeep can read; run this as the user that the hosts run
    as.
    """


@dkim.command()
@click.argument("name")
@click.option(
    "--algorithm",
    type=click.Choice(list(ALGORITHMS)),
    default="both",
    show_default=True,
    help="Every receiver verifies RSA; Ed25519 is small, and newer receivers verify it.",
)
@click.option("--selector", help="The name of the new key.  [default: the month and the algorithm]")
@store_command
def add(context: CommandContext, name: str, algorithm: str, selector: str | None) -> None:
    """Make new keys for the domain NAME and say what to put into its DNS.

    Messages are signed with them from now on. To change keys, add new ones, publish them, and remove the old
    ones some days later.

    \b
    Examples:
      mailkeep domains dkim add example.org
      mailkeep domains dkim add example.org --algorithm rsa --selector spring
    """
    chosen = ALGORITHMS[algorithm]
    if selector is not None and len(chosen) > 1:
        raise click.UsageError("--selector names one key: say --algorithm rsa or ed25519 as well.")
    context.run(
        lambda store: _require_hosted(store, name),
        hints={NotFound: "See which are with: mailkeep domains list"},
    )
    files = keys_of(context)
    try:
        made = [files.add(name, selector or _selector(one), one) for one in chosen]
    except MailkeepError as error:
        hint = "Give the new one another name with --selector." if isinstance(error, AlreadyExists) else ""
        raise PlainError(str(error), hint) from error
    show_records([record_of(key) for key in made], as_json=context.as_json)


@dkim.command("list")
@click.argument("name")
@store_command
def list_(context: CommandContext, name: str) -> None:
    """List the keys that sign for the domain NAME.

    \b
    Example:
      mailkeep domains dkim list example.org
    """
    rows = [
        {"selector": key.selector, "algorithm": key.algorithm, "name": key.name, "value": key.value}
        for key in published(context, name)
    ]
    empty = f"Nothing is signed for it; make keys with: mailkeep domains dkim add {name}"
    show_rows(rows, COLUMNS, as_json=context.as_json, empty=empty)


@dkim.command()
@click.argument("name")
@click.argument("selector")
@store_command
def remove(context: CommandContext, name: str, selector: str) -> None:
    """Sign with the key SELECTOR of the domain NAME no more.

    Leave its DNS record for some days: mail that is under way is still verified by it.

    \b
    Example:
      mailkeep domains dkim remove example.org spring
    """
    try:
        keys_of(context).remove(name, selector)
    except MailkeepError as error:
        raise PlainError(str(error), f"See what is there with: mailkeep domains dkim list {name}") from error
    show_done({"removed": selector}, f"Nothing is signed with {selector} any more.", as_json=context.as_json)


def keys_of(context: CommandContext) -> DkimKeyFiles:
    """The files that the hosts read."""
    return DkimKeyFiles(context.settings.dkim.keys_directory(context.settings.store.data_dir))


def published(context: CommandContext, name: str) -> Sequence[PublishedKey]:
    """What a domain publishes. Raises PlainError."""
    try:
        return keys_of(context).published(name)
    except MailkeepError as error:
        raise PlainError(str(error)) from error


def record_of(key: PublishedKey) -> DnsRecord:
    """As it stands in DNS."""
    return DnsRecord(key.name, "TXT", key.value)


def _selector(algorithm: str) -> str:
    return f"mk{datetime.now(UTC):%Y%m}{'r' if algorithm == 'rsa' else 'e'}"


async def _require_hosted(store: Store, name: str) -> None:
    if await store.directory.domain(normal_domain(name)) is None:
        raise NotFound(f"The domain {name} is not hosted here.")
