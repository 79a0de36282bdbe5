"""`mailkeep migrate`: the store's tables, made or brought up to date before the hosts start."""

from __future__ import annotations

import asyncio

import click

from mailkeep.errors import MailkeepError
from mailkeep.storage import migrate as migrate_store
from mailkeep.storage.migrating import HEAD
from mailkeep_cli.context import CommandContext, PlainError, store_command
from mailkeep_cli.output import show_done


@click.command()
@store_command
def migrate(context: CommandContext) -> None:
    """Bring the store's tables up to this version.

    A store that is not there yet is made. Hosts do the same when they start; this does it alone, once, and
    says what went wrong. What is up to date already is left as it is.

    \b
    Example:
      mailkeep migrate --config /etc/mailkeep/mailkeep.toml
    """
    try:
        asyncio.run(migrate_store(context.settings.store))
    except MailkeepError as error:
        hint = "Check that the database runs, and --database, --data-dir or --config."
        raise PlainError(str(error), hint) from error
    show_done({"version": HEAD}, f"The store's tables are at version {HEAD}.", as_json=context.as_json)
