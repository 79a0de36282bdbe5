"""The list of received mail as octets: what clients ask for most, and mostly to hear that nothing happened.

A page is kept as it was sent, beside the state of the account that it shows, which came with it from the
store; while that is the same, it is sent again. The state is asked of the store at every request, so that no
answer is ever older than one of the store would be. Pages are kept in this process alone, in bounded memory.
One whose messages have keywords is not kept: which labels those mean can change without them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from mailkeep.storage.interface import EmailPage, EmailRow, Store
from mailkeep_api.queries import Paging
from mailkeep_api.schemas.emails import LabelIds, is_read, label_ids

KEPT_OCTETS = 32 * 1024 * 1024  # some 3,000 pages of 20 messages


class _Item(msgspec.Struct, rename="camel"):
    """An `EmailListItem`. Through the shapes a page takes five times as long, and they check what is ours."""

    id: UUID
    message_id: str
    from_address: str
    from_display_name: str | None
    subject: str
    received_at: datetime
    size_bytes: int
    is_read: bool
    label_ids: list[UUID]
    thread_id: UUID
    attachment_count: int
    preview: str


class _List(msgspec.Struct, rename="camel"):
    """An `EmailList`."""

    items: list[_Item]
    total_count: int
    unread_count: int
    page: int
    page_size: int


class _Kept(NamedTuple):
    state: Hashable
    octets: bytes


class ReadyLists:
    """The pages of one process. `limit` is of octets."""

    def __init__(self, store: Store, limit: int = KEPT_OCTETS) -> None:
        self._store = store
        self._limit = limit
        self._kept: OrderedDict[tuple[int, Paging], _Kept] = OrderedDict()
        self.octets = 0  # of all that is kept

    async def received(self, user_id: UUID, account_id: int, page: Paging) -> bytes:
        """An `EmailList` in JSON. Raises StoreUnavailable."""
        emails, key = self._store.emails, (account_id, page)
        kept = self._kept.get(key)
        if kept is not None and kept.state == await emails.list_state(account_id):
            if key in self._kept:  # another request may have taken it out meanwhile
                self._kept.move_to_end(key)
            return kept.octets
        found = await emails.page_of_state(account_id, page.offset, page.size)
        if any(row.flags.keywords for row in found.rows):
            labels = {label.keyword.lower(): label.id for label in await self._store.labels.list(user_id)}
            return _rendered(found, labels, page)
        octets = _rendered(found, {}, page)
        self._keep(key, _Kept(found.state, octets))
        return octets

    def _keep(self, key: tuple[int, Paging], page: _Kept) -> None:
        self._drop(key)
        self._kept[key] = page
        self.octets += len(page.octets)
        while self.octets > self._limit:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: tuple[int, Paging]) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self.octets -= len(kept.octets)


def _rendered(found: EmailPage, labels: LabelIds, page: Paging) -> bytes:
    items = [_item(row, labels) for row in found.rows]
    return msgspec.json.encode(_List(items, found.total, found.unread, page.page, page.size))


def _item(row: EmailRow, labels: LabelIds) -> _Item:
    """By place: names, and the dictionaries that carry them, take longer than all the rest."""
    return _Item(
        row.email_id,
        row.header_message_id,
        row.from_address,
        row.from_name or None,
        row.subject,
        row.received_at,
        row.size,
        is_read(row),
        label_ids(row, labels),
        row.thread_id,
        row.attachment_count,
        row.preview,
    )
