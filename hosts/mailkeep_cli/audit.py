"""`mailkeep audit`: who logged in, how, from where, with what outcome."""

from __future__ import annotations

from collections.abc import Sequence

import click

from mailkeep.errors import NotFound
from mailkeep.model.address import Address
from mailkeep.storage.interface import AuditRecord, Store
from mailkeep_cli.context import CommandContext, store_command
from mailkeep_cli.output import Row, show_rows
from mailkeep_cli.people import ADDRESS, USERS_HINT, user_of

COLUMNS = {
    "at": "WHEN",
    "host": "HOST",
    "mechanism": "MECHANISM",
    "address": "ADDRESS",
    "network": "FROM",
    "outcome": "OUTCOME",
    "reason": "REASON",
    "key_id": "KEY ID",
}
TABLE = ("at", "host", "mechanism", "address", "network", "outcome", "reason")
LIMIT = 100_000


@click.command()
@click.option("--user", type=ADDRESS, metavar="ADDRESS", help="Only attempts with this user's keys.")
@click.option(
    "--limit", type=click.IntRange(1, LIMIT), default=50, show_default=True, help="How many, newest first."
)
@store_command
def audit(context: CommandContext, user: Address | None, limit: int) -> None:
    """Who logged in, or tried to, newest first.

    The reason of a failure is only told here; the client hears that it failed. Rows are written within a
    second of the attempt.

    \b
    Examples:
      mailkeep audit --limit 20
      mailkeep audit --user alice@example.org --json
    """

    async def work(store: Store) -> Sequence[AuditRecord]:
        owner = await user_of(store, user) if user else None
        return await store.audit.list(limit, owner.id if owner else None)

    rows = [_row(record) for record in context.run(work, hints={NotFound: USERS_HINT})]
    show_rows(rows, COLUMNS, as_json=context.as_json, empty="Nobody has logged in or tried to.", table=TABLE)


def _row(record: AuditRecord) -> Row:
    return {
        "at": record.at,
        "host": record.host,
        "mechanism": record.mechanism,
        "address": record.address,
        "network": record.network,
        "outcome": record.outcome,
        "reason": record.reason,
        "user_id": record.user_id,
        "key_id": record.key_id,
    }
