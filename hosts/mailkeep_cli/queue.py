"""`mailkeep queue`: mail that waits to leave for other domains, and what to do about it.

It works on the store alone: a running host hears of a change at once, and what it is just sending stays its
own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import click

from mailkeep.errors import NotFound
from mailkeep.mime import headers
from mailkeep.model.queue import QueueEntry
from mailkeep.storage.interface import Queue, QueueFilter, Store
from mailkeep_cli.context import CommandContext, store_command
from mailkeep_cli.output import Row, plain, show_done, show_rows

COLUMNS = {
    "id": "ID",
    "state": "STATE",
    "sender": "SENDER",
    "recipient": "RECIPIENT",
    "attempts": "ATTEMPTS",
    "next_attempt_at": "NEXT ATTEMPT",
    "last_reply": "LAST ANSWER",
    "created_at": "SINCE",
    "expires_at": "UNTIL",
    "size": "SIZE",
}
TABLE = ("id", "state", "sender", "recipient", "attempts", "next_attempt_at", "last_reply")
LIST_HINT = "See what is there with: mailkeep queue list"
SHOWN_FIELDS = (b"from", b"to", b"subject", b"date", b"message-id")


@click.group()
def queue() -> None:
    """Mail that waits to leave for other domains.

    A message waits once for each of its recipients. IDS are those of `mailkeep queue list`, or the part
    before the dash for all recipients of a message.
    """


@queue.command("list")
@click.option("--domain", help="Only what is for this domain.")
@click.option("--sender", metavar="ADDRESS", help='Only what this sender has sent; "" for reports.')
@click.option("--held", is_flag=True, help="Only what is held.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=1000, show_default=True)
@store_command
def list_(context: CommandContext, domain: str | None, sender: str | None, held: bool, limit: int) -> None:
    """List what waits.

    \b
    Example:
      mailkeep queue list --domain example.net
    """
    which = QueueFilter(domain=domain, sender=sender, held=True if held else None)
    found = context.run(lambda store: store.queue.entries(which, limit))
    show_rows(
        [_row(entry) for entry in found],
        COLUMNS,
        table=TABLE,
        as_json=context.as_json,
        empty="Nothing waits.",
    )


@queue.command()
@store_command
def status(context: CommandContext) -> None:
    """How much waits, and since when.

    \b
    Example:
      mailkeep queue status --json
    """
    found = context.run(lambda store: store.queue.status())
    facts = {
        "waiting": found.waiting,
        "sending": found.sending,
        "held": found.held,
        "oldest_at": found.oldest_at,
    }
    since = f", the oldest since {plain(found.oldest_at)}" if found.oldest_at else ""
    sentence = f"{found.waiting} waiting, {found.sending} being sent, {found.held} held{since}."
    show_done(facts, sentence, as_json=context.as_json)


@queue.command()
@click.argument("id")
@store_command
def show(context: CommandContext, id: str) -> None:
    """Show one message: its envelope, its recipients, a few fields of its header.

    \b
    Example:
      mailkeep queue show 3f2a9c0d11e84b75
    """

    async def work(store: Store) -> tuple[Row, list[QueueEntry]]:
        entries = list(await store.queue.entries(QueueFilter(ids=(id,)), 10_000))
        if not entries:
            raise NotFound("There is no such message in the queue.")
        message, body = await store.queue.message(entries[0].message_id)
        envelope = message.envelope
        facts = {
            "id": message.id,
            "sender": str(envelope.sender or ""),
            "size": body.size,
            "created_at": message.created_at,
            "ret": envelope.ret,
            "envid": envelope.envid,
            "requiretls": envelope.requiretls,
            **_fields(message.header),
        }
        return facts, entries

    facts, entries = context.run(work, hints={NotFound: LIST_HINT})
    rows = [_row(entry) for entry in entries]
    if context.as_json:
        show_done({**facts, "recipients": rows}, "", as_json=True)
        return
    for name, value in facts.items():
        click.echo(f"{name.replace('_', ' '):12} {plain(value)}")
    show_rows(rows, COLUMNS, table=TABLE, as_json=False, empty="")


@queue.command()
@click.argument("ids", nargs=-1)
@click.option("--domain", help="What is for this domain.")
@click.option("--all", "all_", is_flag=True, help="Everything.")
@store_command
def retry(context: CommandContext, ids: tuple[str, ...], domain: str | None, all_: bool) -> None:
    """Try again now what waits for its time.

    \b
    Examples:
      mailkeep queue retry 3f2a9c0d11e84b75
      mailkeep queue retry --domain example.net
    """
    _change(context, _which(ids, domain, all_), lambda queue: queue.retry, "will be tried now")


@queue.command()
@click.argument("ids", nargs=-1)
@click.option("--domain", help="What is for this domain.")
@click.option("--all", "all_", is_flag=True, help="Everything.")
@store_command
def hold(context: CommandContext, ids: tuple[str, ...], domain: str | None, all_: bool) -> None:
    """Keep back what waits, until it is released. Its time to expire stays.

    \b
    Example:
      mailkeep queue hold --domain example.net
    """
    _change(context, _which(ids, domain, all_), lambda queue: queue.hold, "held")


@queue.command()
@click.argument("ids", nargs=-1)
@click.option("--domain", help="What is for this domain.")
@click.option("--all", "all_", is_flag=True, help="Everything that is held.")
@store_command
def release(context: CommandContext, ids: tuple[str, ...], domain: str | None, all_: bool) -> None:
    """Let go what is held: it is tried at once.

    \b
    Example:
      mailkeep queue release --all
    """
    _change(context, _which(ids, domain, all_), lambda queue: queue.release, "released")


@queue.command()
@click.argument("ids", nargs=-1)
@click.option("--domain", help="What is for this domain.")
@click.option("--all", "all_", is_flag=True, help="Everything.")
@store_command
def drop(context: CommandContext, ids: tuple[str, ...], domain: str | None, all_: bool) -> None:
    """Remove mail from the queue. Nobody receives it, and its sender is not told.

    \b
    Example:
      mailkeep queue drop 3f2a9c0d11e84b75-2
    """
    _change(context, _which(ids, domain, all_), lambda queue: queue.drop, "dropped")


# --- what they share ------------------------------------------------------------------------------


def _which(ids: tuple[str, ...], domain: str | None, all_: bool) -> QueueFilter:
    if not ids and domain is None and not all_:
        raise click.UsageError("Name IDS, --domain or --all.")
    return QueueFilter(ids=ids, domain=domain)


def _change(
    context: CommandContext,
    which: QueueFilter,
    method: Callable[[Queue], Callable[[QueueFilter], Awaitable[int]]],
    done: str,
) -> None:
    async def work(store: Store) -> int:
        count = await method(store.queue)(which)
        if not count and which.ids:
            raise NotFound(
                "Nothing of that name can be changed: it is gone, is being sent, or is so already."
            )
        return count

    count = context.run(work, hints={NotFound: LIST_HINT})
    recipients = "recipient" if count == 1 else "recipients"
    show_done({"recipients": count}, f"{count} {recipients} {done}.", as_json=context.as_json)


def _fields(header: bytes) -> Row:
    """What people know a message by."""
    found = {
        name.lower(): headers.unfold(raw.partition(b":")[2]).decode("utf-8", "replace").strip()
        for name, raw in headers.fields(header)
        if name.lower() in SHOWN_FIELDS
    }
    return {name.decode().replace("-", "_"): found[name] for name in SHOWN_FIELDS if name in found}


def _row(entry: QueueEntry) -> Row:
    return {
        "id": entry.id,
        "message_id": entry.message_id,
        "state": entry.state.value,
        "sender": entry.sender,
        "recipient": entry.recipient,
        "domain": entry.domain,
        "size": entry.size,
        "attempts": entry.attempts,
        "created_at": entry.created_at,
        "next_attempt_at": entry.next_attempt_at,
        "expires_at": entry.expires_at,
        "last_attempt_at": entry.last_attempt_at,
        "last_status": entry.last.status,
        "last_reply": entry.last.reply,
        "last_host": entry.last.host,
    }
