"""`mailkeep prune`: what is kept for a time only, and forgotten by a timer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from mailkeep.storage.interface import Store
from mailkeep_cli.context import CommandContext, store_command
from mailkeep_cli.expiry import SPAN
from mailkeep_cli.output import show_done

BATCH = 5000  # rows of one transaction: nobody who logs in waits behind more


@click.command()
@click.option(
    "--audit-older-than",
    "age",
    type=SPAN,
    help="Rows of the audit log that are older than this: 90d, 26w.  [default: [auth] audit_days]",
)
@store_command
def prune(context: CommandContext, age: timedelta | None) -> None:
    """Forget what is kept for a time only.

    That is the audit log: who logged in, from where. Running hosts do the same by themselves, in small steps.

    \b
    Example:
      mailkeep prune --audit-older-than 90d
    """

    async def work(store: Store) -> int:
        before = datetime.now(UTC) - (age or timedelta(days=context.settings.auth.audit_days))
        gone = 0
        while taken := await store.audit.prune(before, BATCH):
            gone += taken
        return gone

    gone = context.run(work)
    show_done({"audit": gone}, f"{gone} rows of the audit log were forgotten.", as_json=context.as_json)
