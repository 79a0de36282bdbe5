"""`mailkeep backup` and `mailkeep restore`: a whole store as one file, while the hosts run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import click

from mailkeep.errors import MailkeepError
from mailkeep.storage import archive
from mailkeep.storage.archive import Progress, Summary
from mailkeep.storage.database import Database
from mailkeep.storage.objects.bucket import opened_bucket
from mailkeep.storage.opening import opened_database
from mailkeep_cli.context import CommandContext, PlainError, store_command
from mailkeep_cli.output import Row, show_done
from mailkeep_cli.progress import progress

HINT = "Check the file, --database, --data-dir and --config."


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@store_command
def backup(context: CommandContext, file: Path) -> None:
    """Write the whole store into one file.

    It holds one state of everything: mail, what of it lies in an object store, people, keys, the queue. Hosts
    go on meanwhile. The file is as secret as the mail in it, and readable for its owner alone; FILE is
    replaced only when the new one is whole. Settings, certificates and keys outside of the database are not
    in it.

    \b
    Examples:
      mailkeep backup /var/backups/mailkeep-today
      mailkeep backup mail.backup --database postgresql://mailkeep@/mailkeep?host=/run/postgresql
    """
    context.require_store()
    summary = _run(context, "Writing", lambda database, told: _written(context, database, file, told))
    facts = _facts(summary, file)
    show_done(facts, f"{facts['messages']} messages are in {file}.", as_json=context.as_json)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--check", is_flag=True, help="Only read the file, and say what is in it.")
@store_command
def restore(context: CommandContext, file: Path, check: bool) -> None:
    """Fill an empty store from a backup.

    The file is read and checked to its end, and then the store holds all of it, or nothing. It may come from
    SQLite and go into PostgreSQL, or the other way round: that is how a store moves. What lay in an object
    store comes into the database. Stop the hosts before.

    \b
    Examples:
      mailkeep restore mail.backup --check
      mailkeep restore mail.backup --data-dir /var/lib/mailkeep
    """
    if check:
        summary = _guarded(lambda: archive.inspect(file))
    else:
        summary = _run(context, "Restoring", lambda database, told: archive.restore(database, file, told))
    facts = _facts(summary, file)
    done = "are in" if check else "were restored from"
    sentence = (
        f"{facts['messages']} messages {done} {file}, written {facts['created_at']:%Y-%m-%d %H:%M} UTC."
    )
    show_done(facts, sentence, as_json=context.as_json)


async def _written(context: CommandContext, database: Database, file: Path, told: Progress) -> Summary:
    return await archive.write(database, file, told, opened_bucket(context.settings.objects))


def _run(
    context: CommandContext, title: str, work: Callable[[Database, Progress], Awaitable[Summary]]
) -> Summary:
    async def whole() -> Summary:
        with progress(title) as done:
            async with opened_database(context.settings.store) as database:
                return await work(database, lambda _table, rows: done(rows))

    return _guarded(lambda: asyncio.run(whole()))


def _guarded(work: Callable[[], Summary]) -> Summary:
    try:
        return work()
    except MailkeepError as error:
        raise PlainError(str(error), HINT) from error
    except OSError as error:
        raise PlainError(f"'{error.filename}' cannot be used: {error.strerror}.", HINT) from error


def _facts(summary: Summary, file: Path) -> Row:
    return {
        "file": str(file),
        "version": summary.version,
        "created_at": datetime.fromtimestamp(summary.created_at / 1_000_000, UTC),
        "messages": summary.rows["message"],
        "rows": summary.rows,
    }
