"""The recipients' filters, asked in the transaction of a delivery, before it has written anything.

What is discarded goes to Trash, where its owner can still find it; without a Trash it stays in INBOX. Most
filters look at what a delivery knows anyway. One that looks at the text makes the delivery come back with it:
taking a message apart is no work for a transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from mailkeep.errors import Refusal
from mailkeep.mime import parts
from mailkeep.mime.text import html_and_plain
from mailkeep.model.flags import NO_FLAGS, FlagAction, Flags
from mailkeep.model.mail_filter import Facts, MailFilter, Outcome, apply, needs_body
from mailkeep.model.mailbox import INBOX, SpecialUse
from mailkeep.model.message import DeliveryTarget, PreparedMessage, SpooledContent
from mailkeep.storage import filters
from mailkeep.storage.accounts import Owner
from mailkeep.storage.locked import LockedMailbox
from mailkeep.storage.operations.batch import Batch
from mailkeep.storage.query import Query

TEXT_OCTETS = 4 * 1024 * 1024  # of a message that filters look at

_TRASH = Query(
    "SELECT id FROM mailbox WHERE account_id = :account_id AND special_use = :use AND selectable"
    " ORDER BY id LIMIT 1"
)


class TextNeeded(Refusal):
    """Come again with the message's text."""


@dataclass(frozen=True, slots=True)
class Placing:
    """What filters make of one account's copy: where it goes, with which flags, and whether it is news."""

    mailbox: LockedMailbox | None = None
    flags: Flags = NO_FLAGS
    discarded: bool = False


async def place(
    batch: Batch, message: PreparedMessage, targets: Sequence[DeliveryTarget], text: str | None
) -> dict[int, Placing]:
    """By account, for those whose filters act. Raises TextNeeded."""
    placings: dict[int, Placing] = {}
    for owner in _filtered_owners(batch, targets):
        found = await _filters_of(batch, owner)
        if text is None and needs_body(found):
            raise TextNeeded("A filter looks at the text.")
        outcome = apply(found, _facts(message, text))
        if outcome.applied:
            placings[owner.account_id] = await _placing(batch, owner, outcome)
    return placings


def flags_with(placing: Placing, flags: Flags) -> Flags:
    """A target's own flags, and those of the filters."""
    return flags.apply(FlagAction.ADD, placing.flags) if placing.flags is not NO_FLAGS else flags


async def text_of(message: PreparedMessage) -> str:
    """What filters on the body look at: the plain text, else the HTML as sent."""
    return await asyncio.to_thread(_text_of, message)


def _filtered_owners(batch: Batch, targets: Sequence[DeliveryTarget]) -> list[Owner]:
    """Once an account, for mail that comes from others."""
    owners = {}
    for target in targets:
        owner = batch.owners[target.address.key]
        if owner.has_filters and target.is_news and target.mailbox == INBOX:
            owners[owner.account_id] = owner
    return list(owners.values())


async def _filters_of(batch: Batch, owner: Owner) -> list[MailFilter]:
    found = batch.filters.get(owner.account_id)
    if found is None:
        assert owner.user_id is not None
        found = await filters.enabled(batch.transaction, owner.user_id)
        batch.filters[owner.account_id] = found
    return found


async def _placing(batch: Batch, owner: Owner, outcome: Outcome) -> Placing:
    batch.applied.update(outcome.applied)
    if not outcome.discard:
        return Placing(flags=outcome.flags)
    row = await batch.transaction.one(_TRASH, account_id=owner.account_id, use=SpecialUse.TRASH.value)
    if row is None:
        return Placing(flags=outcome.flags)
    if row[0] not in batch.mailboxes:
        # Behind the others' order: two transactions may meet here, and then the database lets one go again.
        await batch.lock([row[0]], (), ())
    return Placing(batch.mailboxes.get(row[0]), outcome.flags, discarded=True)


def _facts(message: PreparedMessage, text: str | None) -> Facts:
    summary = message.summary
    return Facts(summary.from_address, summary.from_name, summary.subject, summary.attachment_count > 0, text)


def _text_of(message: PreparedMessage) -> str:
    html, plain = html_and_plain(message.header + _beginning(message.content), parts.unpack(message.parts))
    return (html or "") if plain is None else plain


def _beginning(content: bytes | SpooledContent) -> bytes:
    if not isinstance(content, SpooledContent):
        return content[:TEXT_OCTETS]
    with open(content.path, "rb") as file:
        file.seek(content.offset)
        return file.read(min(content.size, TEXT_OCTETS))
