"""`mailkeep store`: the care of the mail store itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from mailkeep.errors import InUse
from mailkeep_cli.context import CommandContext, store_command
from mailkeep_cli.output import show_done
from mailkeep_cli.sizes import shown_size


@click.group()
def store() -> None:
    """The care of the mail store itself."""


@store.command()
@click.option(
    "--unclaimed-days",
    type=click.IntRange(min=1),
    help="Also remove mail for unclaimed addresses that is older. [default: [store] unclaimed_days]",
)
@store_command
def collect(context: CommandContext, unclaimed_days: int | None) -> None:
    """Remove messages and octets that no mailbox refers to any more.

    The SMTP host does it by itself every few hours; this is for doing it now, and for timers. It may run
    while the hosts do. What was touched within the last three hours stays.

    \b
    Example:
      mailkeep store collect
    """
    days = unclaimed_days or context.settings.store.unclaimed_days
    before = datetime.now(UTC) - timedelta(days=days) if days else None
    done = context.run(
        lambda opened: opened.collector.collect(unclaimed_before=before, in_a_hurry=True),
        hints={InUse: "Another process is collecting; what it removes need not be removed again."},
    )
    facts = {
        "expired": done.expired,
        "accounts": done.accounts,
        "messages": done.messages,
        "blobs": done.blobs,
        "octets": done.octets,
        "changes": done.changes,
    }
    sentence = f"Removed {done.messages} messages and {shown_size(done.octets)} of content"
    if done.expired or done.accounts:
        sentence += f"; {done.expired} messages of unclaimed addresses had been kept long enough"
    show_done(facts, sentence + ".", as_json=context.as_json)
