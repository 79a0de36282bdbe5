"""`mailkeep upstream send`: a message by an account elsewhere, through the queue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailkeep.errors import InvalidName, NotFound
from mailkeep.storage.interface import Store
from mailkeep.upstream.config import read_config
from mailkeep_cli.context import CommandContext, store_command
from mailkeep_cli.output import show_done
from mailkeep_cli.upstream_accounts import HINTS, one_account

if TYPE_CHECKING:
    from mailkeep.upstream.writing import SentLetter


@click.command()
@click.argument("name")
@click.option("--to", multiple=True, metavar="ADDRESS", help="name@domain, or Name <name@domain>.")
@click.option("--cc", multiple=True, metavar="ADDRESS")
@click.option("--bcc", multiple=True, metavar="ADDRESS")
@click.option("--subject", default="")
@click.option("--text", help="What it says; else it is read from standard input.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="The same as an HTML file.")
@click.option("--attach", multiple=True, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE")
@click.option("--reply-to", type=click.UUID, metavar="ID", help="The message here that it answers.")
@click.option("--all", "everybody", is_flag=True, help="Answer everybody.")
@click.option("--forward", type=click.UUID, metavar="ID", help="The message here that it forwards.")
@click.option("--as", "forward_as", type=click.Choice(["inline", "message"]), default="inline")
@store_command
def send(context: CommandContext, name: str, **given: Any) -> None:
    """Send a message by an account elsewhere: through the queue, and again if need be.

    \b
    Examples:
      echo "See you at nine." | mailkeep upstream send work --to bob@example.net --subject Tomorrow
      mailkeep upstream send work --forward 0198c2d4-... --as message --to bob@example.net --text "See below."
    """

    async def work(store: Store) -> SentLetter:
        from mailkeep.upstream.writing import send as send_letter  # noqa: PLC0415  as slow as a sync's start
        from mailkeep_cli.upstream_letter import letter  # noqa: PLC0415

        record = await one_account(store, name)
        user = await store.directory.user(record.user_id)
        if user is None:
            raise NotFound("The user of the account is not there any more.")
        config = read_config(record.config)
        if not config.smtp:
            raise InvalidName("The account has no SMTP server; add it anew with --smtp.")
        written = await letter(store, user, given, context.settings.smtp.max_message_size)
        return await send_letter(store, context.settings, user, (record, config), written)

    sent = context.run(work, hints=HINTS)
    facts = {
        "id": sent.submitted.id,
        "message_id": sent.message_id,
        "queued": [str(address) for address in sent.submitted.queued],
    }
    show_done(facts, f"Queued as {sent.submitted.id}: mailkeep queue list", as_json=context.as_json)
