"""`mailkeep audit`: who logged in, how, from where, with what outcome."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import click

from mailkeep.errors import NotFound
from mailkeep.model.address import Address
from mailkeep.storage.interface import AuditRecord, Store
from mailkeep_cli.context import CommandContext, store_command
from mailkeep_cli.expiry import MOMENT
from mailkeep_cli.output import Row, show_line, show_rows
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
    "session": "SESSION",
}
TABLE = ("at", "host", "mechanism", "address", "network", "outcome", "reason", "session")
LIMIT = 100_000
PAGE = 1000  # rows read at a time


@click.group(invoke_without_command=True)
@click.option("--user", type=ADDRESS, metavar="ADDRESS", help="Only attempts with this user's keys.")
@click.option(
    "--limit", type=click.IntRange(1, LIMIT), default=50, show_default=True, help="How many, newest first."
)
@store_command
@click.pass_context
def audit(ctx: click.Context, context: CommandContext, user: Address | None, limit: int) -> None:
    """Who logged in, or tried to, newest first.

    The reason of a failure is only told here; the client hears that it failed. Rows are written within a
    second of the attempt.

    \b
    Examples:
      mailkeep audit --limit 20
      mailkeep audit --user alice@example.org --json
      mailkeep audit export --since 2027-01-01 >audit.jsonl
    """
    if ctx.invoked_subcommand is not None:
        return

    async def work(store: Store) -> Sequence[AuditRecord]:
        owner = await user_of(store, user) if user else None
        return await store.audit.list(limit, owner.id if owner else None)

    rows = [_row(record) for record in context.run(work, hints={NotFound: USERS_HINT})]
    show_rows(rows, COLUMNS, as_json=context.as_json, empty="Nobody has logged in or tried to.", table=TABLE)


@audit.command()
@click.option("--user", type=ADDRESS, metavar="ADDRESS", help="Only attempts with this user's keys.")
@click.option("--since", type=MOMENT, help="Only from then on: 2027-01-31, 2027-01-31T12:00+01:00.")
@click.option("--until", type=MOMENT, help="Only before then.")
@store_command
def export(
    context: CommandContext, user: Address | None, since: datetime | None, until: datetime | None
) -> None:
    """All that is kept, oldest first: a JSON object a line, on standard output.

    \b
    Examples:
      mailkeep audit export >audit.jsonl
      mailkeep audit export --user alice@example.org --since 2027-01-01
    """

    async def work(store: Store) -> None:
        owner = await user_of(store, user) if user else None
        number = 0
        while page := await store.audit.following(number, PAGE):
            number = page[-1][0]
            for _, record in page:
                if (owner is None or record.user_id == owner.id) and _is_between(record.at, since, until):
                    show_line(_row(record))

    context.run(work, hints={NotFound: USERS_HINT})


def _is_between(at: datetime, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or at >= since) and (until is None or at < until)


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
        "session": record.session,
    }
