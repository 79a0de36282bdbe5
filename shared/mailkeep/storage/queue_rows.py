"""How rows of the queue come and go within a transaction: put in by the committer, settled under a lease."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from mailkeep.errors import InUse
from mailkeep.model.message import PreparedMessage
from mailkeep.model.queue import Outbound, OutboundRecipient, Settlement
from mailkeep.storage.database import Row, Transaction, changed
from mailkeep.storage.interface import TopicKind
from mailkeep.storage.query import Query
from mailkeep.storage.values import clean, moment, now

_OF = "id = ANY(:ids)"
_OF_SQLITE = "id IN (SELECT value FROM json_each(:ids))"


def listed(statement: str) -> Query:
    """A statement with `{ids}` where it names the rows of a list."""
    return Query(statement.format(ids=_OF), sqlite=statement.format(ids=_OF_SQLITE))


# Whoever settles recipients of a message holds its row: else the last two, settled at once, would leave it.
_LOCK_MESSAGES = Query(
    f"SELECT id FROM queue_message WHERE {_OF} ORDER BY id FOR UPDATE",
    sqlite=f"SELECT id FROM queue_message WHERE {_OF_SQLITE}",
)
_LEASED = Query(
    f"SELECT id, lease FROM queue_recipient WHERE {_OF} ORDER BY id FOR UPDATE",
    sqlite=f"SELECT id, lease FROM queue_recipient WHERE {_OF_SQLITE}",
)
_REMOVE = listed("DELETE FROM queue_recipient WHERE {ids}")
_REMOVE_EMPTY = listed(
    "DELETE FROM queue_message WHERE {ids}"
    " AND NOT EXISTS (SELECT 1 FROM queue_recipient r WHERE r.message_id = queue_message.id)"
)
_RETRY_LATER = Query(
    "UPDATE queue_recipient SET lease = NULL, due_at = :due_at,"
    " delay_told = :delay_told OR delay_told, last_at = :now, last_status = :status, last_reply = :reply,"
    " last_host = :host, doubt = :doubt WHERE id = :id AND lease = :lease"
)
_GIVE_BACK = Query(
    "UPDATE queue_recipient SET lease = NULL, due_at = :due_at, attempts = attempts - 1"
    " WHERE id = :id AND lease = :lease"
)


async def settle(transaction: Transaction, settlements: Sequence[Settlement]) -> Sequence[Settlement]:
    """Settle within a transaction those whose lease still holds; which these are."""
    kept = await _leased(transaction, settlements)
    await _write(transaction, kept)
    return kept


async def settle_all(transaction: Transaction, settlements: Sequence[Settlement]) -> None:
    """Settle all within a transaction. Raises InUse if a lease is lost; nothing was written then."""
    kept = await _leased(transaction, settlements)
    if len(kept) < len(settlements):
        raise InUse("Somebody else has claimed the recipient.")
    await _write(transaction, kept)


async def _leased(transaction: Transaction, settlements: Sequence[Settlement]) -> Sequence[Settlement]:
    await transaction.all(_LOCK_MESSAGES, ids=_messages_of(settlements))
    ids = [settlement.id for settlement in settlements]
    leases = {row[0]: row[1] for row in await transaction.all(_LEASED, ids=ids)}
    return [one for one in settlements if leases.get(one.id) == one.lease]


async def _write(transaction: Transaction, kept: Sequence[Settlement]) -> None:
    await transaction.many(_RETRY_LATER, [_later(one) for one in kept if one.retry_at and one.counts])
    await transaction.many(_GIVE_BACK, [_back(one) for one in kept if one.retry_at and not one.counts])
    await remove(transaction, [one.id for one in kept if one.retry_at is None], _messages_of(kept))
    if any(one.retry_at for one in kept):
        changed(transaction, TopicKind.QUEUE)


def _messages_of(settlements: Sequence[Settlement]) -> list[str]:
    return sorted({message_of(settlement.id) for settlement in settlements})


async def remove(transaction: Transaction, ids: list[str], messages: list[str]) -> None:
    """Recipients by their ids, and those of their messages that have no other."""
    if ids:
        await transaction.all(_LOCK_MESSAGES, ids=messages)
        await transaction.run(_REMOVE, ids=ids)
        await transaction.run(_REMOVE_EMPTY, ids=messages)


def _later(one: Settlement) -> dict[str, Any]:
    assert one.retry_at is not None
    return {
        "id": one.id,
        "lease": one.lease,
        "due_at": moment(one.retry_at),
        "delay_told": one.delay_told,
        "now": now(),
        "status": one.attempt.status,
        "reply": clean(one.attempt.reply),
        "host": clean(one.attempt.host),
        "doubt": one.doubt,
    }


def _back(one: Settlement) -> dict[str, Any]:
    assert one.retry_at is not None
    return {"id": one.id, "lease": one.lease, "due_at": moment(one.retry_at)}


# --- how rows get in: for the committer -----------------------------------------------------------


def rows(
    outbound: Outbound, message: PreparedMessage, digest: bytes, received_at: datetime
) -> tuple[Row, Sequence[Row]]:
    """The message's row and those of its recipients, in the order of their tables' columns."""
    envelope = outbound.envelope
    created = moment(received_at)
    first: Row = (
        outbound.id,
        digest,
        message.size - outbound.skip + len(outbound.above),
        created,
        outbound.user_id,
        str(envelope.sender or ""),
        envelope.smtputf8,
        envelope.requiretls,
        envelope.ret,
        envelope.envid,
        outbound.above + message.header[outbound.skip :],
        outbound.traceparent,
    )
    due, expires = moment(outbound.not_before), moment(outbound.expires_at)
    return first, [
        (*_row(outbound.id, number, recipient, (created, due, expires)), outbound.route, "")
        for number, recipient in enumerate(outbound.recipients, start=1)
    ]


def _row(message_id: str, number: int, recipient: OutboundRecipient, times: tuple[int, int, int]) -> Row:
    address, request = recipient.address, recipient.request
    identity = (recipient_id(message_id, number), message_id, str(address), address.domain)
    return (*identity, request.notify, request.orcpt, *times, None, False, 0, False, None, "", "", "")


def recipient_id(message_id: str, number: int) -> str:
    """The id of a message's recipient: the same however often its insert is tried."""
    return f"{message_id}-{number}"


def message_of(recipient: str) -> str:
    """The id of the message whose recipient has that id."""
    return recipient.rpartition("-")[0]
