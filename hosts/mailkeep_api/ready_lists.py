"""The list of received mail as octets: what clients ask for most, and mostly to hear that nothing happened.

A page is kept as it was sent, beside the state of the account that it shows; while that is the same, it is
sent again. The state is asked of the store at every request, before the page is read, so that none is ever
older than an answer of the store would be. Pages are kept in this process alone, in bounded memory. One whose
messages have keywords is not kept: which labels those mean can change without them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from mailkeep.storage.interface import EmailRow, Store
from mailkeep_api.queries import Paging
from mailkeep_api.schemas.emails import LabelIds, item_fields

KEPT_OCTETS = 4 * 1024 * 1024  # some 500 pages of 20 messages


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
    state: Sequence[Hashable]
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
        state = await emails.list_state(account_id)
        kept = self._kept.get(key)
        if kept is not None and kept.state == state:
            self._kept.move_to_end(key)
            return kept.octets
        rows, total, unread = await emails.page(account_id, page.offset, page.size)
        if any(row.flags.keywords for row in rows):
            labels = {label.keyword.lower(): label.id for label in await self._store.labels.list(user_id)}
            return _rendered(rows, labels, total, unread, page)
        octets = _rendered(rows, {}, total, unread, page)
        self._keep(key, _Kept(state, octets))
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


def _rendered(rows: Sequence[EmailRow], labels: LabelIds, total: int, unread: int, page: Paging) -> bytes:
    items = [_Item(**item_fields(row, labels)) for row in rows]
    return msgspec.json.encode(_List(items, total, unread, page.page, page.size))
